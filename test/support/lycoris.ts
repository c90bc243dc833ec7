import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { memoryFolder } from "./memory-folder.ts";
import { decodeAdapter, encodeTensor, type Nested } from "./pico.ts";

/** The tensors of one module, by what stands behind its name. */
export type LycorisTensors = Readonly<Record<string, Nested>>;

/** Open a file of one module in one element type. */
export function openLycoris(
  tensors: LycorisTensors,
  dtype: "F32" | "F16" | "BF16" = "F32",
  stem = "lora_unet_x",
): Promise<Adapter> {
  const data = Object.entries(tensors).map(([part, values]) => encodeTensor(`${stem}.${part}`, values, dtype));
  return openAdapter(memoryFolder("it", { "it.safetensors": encodeSafetensors(data, {}) }));
}

/** The module of such a file, and its delta through a merge that only copies units. */
export async function deltaOf(
  tensors: LycorisTensors,
  dtype: "F32" | "F16" | "BF16" = "F32",
): Promise<{ readonly delta: Float64Array; readonly rank: number; readonly inputShape: readonly number[] }> {
  const adapter = await openLycoris(tensors, dtype);
  const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
  const [merged] = decodeAdapter(JSON.stringify(config), weights).modules.values();
  const [module] = adapter.modules.values();
  return { delta: merged!.delta, rank: module!.rank, inputShape: module!.inputShape };
}
