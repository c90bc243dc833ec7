import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { type MemoryFiles, memoryFolder } from "./memory-folder.ts";

/** Open a safetensors file of these tensors, called "it", with other files beside it. */
export function openFile(
  tensors: readonly TensorData[],
  metadata: Readonly<Record<string, string>> = {},
  beside: MemoryFiles = {},
): Promise<Adapter> {
  return openAdapter(memoryFolder("it", { "x.safetensors": encodeSafetensors(tensors, metadata), ...beside }));
}
