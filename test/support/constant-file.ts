import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { memoryFolder } from "./memory-folder.ts";
import { encodeTensor } from "./pico.ts";

/** Modules by their names in a file, with their sizes. */
export type Sizes = Readonly<Record<string, readonly [inputs: number, out: number]>>;

/** The endings of kohya's tensors. */
export const DOWN_UP = [".lora_down.weight", ".lora_up.weight"] as const;

/** A file of modules of rank 1: every entry of the delta of module number n, from 1, is n. */
export function openConstant(
  name: string,
  sizes: Sizes,
  ends: readonly [down: string, up: string] = [".lora_A.weight", ".lora_B.weight"],
  metadata?: Readonly<Record<string, string>>,
): Promise<Adapter> {
  const tensors = Object.entries(sizes).flatMap(([module, [inputs, out]], i): TensorData[] => [
    encodeTensor(module + ends[0], [Array<number>(inputs).fill(i + 1)]),
    encodeTensor(
      module + ends[1],
      Array.from({ length: out }, () => [1]),
    ),
  ]);
  return openAdapter(memoryFolder(name, { "style.safetensors": encodeSafetensors(tensors, metadata) }));
}
