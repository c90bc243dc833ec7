import { readFileSync } from "node:fs";
import type { Adapter } from "../../src/adapter/adapter.ts";
import type { BasedOptions } from "../../src/adapter/container.ts";
import { openBased } from "../../src/adapter/open.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { memoryFolder } from "./memory-folder.ts";
import { encodeTensor, type Nested } from "./pico.ts";

/** An adapter as PEFT saved it, and what PEFT adds to each weight when it merges that, row by row. */
export interface PeftCase {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, Nested>>;
  readonly deltas: Readonly<Record<string, readonly number[]>>;
  /** The base's weights, as it stores them, where the deltas need these or their sizes. */
  readonly weights?: Readonly<Record<string, Nested>>;
}

/** Written by tools/consumers/peft_methods.py. */
const { cases }: { readonly cases: readonly PeftCase[] } = JSON.parse(
  readFileSync(new URL("../golden/consumers/peft-methods.json", import.meta.url), "utf8"),
);
/** Those whose files say everything. */
export const ALONE: readonly PeftCase[] = cases.filter(({ weights }) => weights === undefined);
/** Those that need their base. */
export const ON_BASE: readonly PeftCase[] = cases.filter(({ weights }) => weights !== undefined);

/** One of these by its name. */
export function peftCase(name: string): PeftCase {
  return cases.find((each) => each.name === name)!;
}

/** One number, and copies of what all modules share, which nothing reads. */
const MAY_BE_INTEGERS = /delora_lambda$|model\.\w+\.randlora_[AB]$/;

/** Each tensor of a case that must hold floats once more, of integers. */
export function ofIntegers({ tensors }: Pick<PeftCase, "tensors">): TensorData[] {
  const needed = Object.entries(tensors).filter(([key]) => !MAY_BE_INTEGERS.test(key));
  return needed.map(([key, values]) => {
    const { shape, data } = encodeTensor(key, values);
    return { name: key, dtype: "I32", shape, data };
  });
}

/** What is said of such a tensor. */
export const NO_FLOATS = (key: string): string =>
  `it: ${key} is stored as I32, which is not a floating-point type; save the adapter in f32, f16 or bf16.`;

/** Open a case from memory. @param others tensors in the place of those with their names */
export function openCase(
  { config, tensors }: Pick<PeftCase, "config" | "tensors">,
  options: BasedOptions = {},
  others: readonly TensorData[] = [],
): Promise<Adapter> {
  const data = Object.entries(tensors).map(
    ([key, values]) => others.find(({ name }) => name === key) ?? encodeTensor(key, values),
  );
  const files = {
    "adapter_config.json": JSON.stringify(config),
    "adapter_model.safetensors": encodeSafetensors(data, { format: "pt" }),
  };
  return openBased(memoryFolder("it", files), options);
}
