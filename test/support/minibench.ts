import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The tasks that minibench has adapters for. */
export const SEEN = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"] as const;

/** The folder of an adapter of all linear modules of minibench's Llama-shaped model. */
export function minibench(task: string): string {
  return join(fileURLToPath(new URL("../..", import.meta.url)), "examples/minibench/llama/all", task);
}
