import { type Remote, wrap } from "comlink";
import type { PageExplorer } from "../explorer.worker.ts";

const worker = new Worker(new URL("../explorer.worker.ts", import.meta.url), { type: "module" });

/** The explorer in its worker: the page's thread draws and nothing else. */
export const explorer: Remote<PageExplorer> = wrap<PageExplorer>(worker);

/** A sentence for what went wrong. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
