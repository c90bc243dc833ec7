import type { FactorDtype } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { type ParameterPart, partName } from "../formats/peft-folder/parameters.ts";
import { stackedParameter } from "./experts.ts";
import type { FactorPair } from "./factor-pairs.ts";
import { refuseNoFloats, type StridedModule } from "./module-of-factors.ts";
import type { AdapterModule, StridedFactor, TensorRef } from "./read-adapter.ts";

/**
 * One module for each expert, without its scale, of factors that hold those of all: A (E, r, in) and B (E, out, r). A factor of one expert is
 * shared by all, as SGLang writes it.
 *
 * @param name of the adapter, for messages
 * @param path what messages call the module of all experts
 * @param nameOf names the module of one
 * @throws FormatError for shapes that do not fit each other, RefusedError for element types
 */
export function expertModules(
  name: string,
  path: string,
  a: TensorRef,
  b: TensorRef,
  nameOf: (expert: number) => string,
): StridedModule[] {
  for (const tensor of [a, b]) refuseNoFloats(name, tensor);
  const [ofA = 0, rank = 0, inputs = 0] = a.shape;
  const [ofB = 0, out = 0, units] = b.shape;
  const experts = Math.max(ofA, ofB);
  const each = (count: number): boolean => count === experts || count === 1;
  const fits = a.shape.length === 3 && b.shape.length === 3 && units === rank && each(ofA) && each(ofB);
  if (!fits || elementCount(a.shape) * elementCount(b.shape) === 0) {
    throw new FormatError(
      `${name}: ${path} has factors that no experts have (A is ${formatShape(a.shape)}, B is ${formatShape(b.shape)}); expected A (experts, r, in) and B (experts, out, r).`,
    );
  }
  const at = (tensor: TensorRef, count: number, own: Pick<StridedFactor, "size" | "strides">, expert: number) => {
    const offset = count === 1 ? 0 : expert * rank * own.size;
    return { ...(tensor as TensorRef<FactorDtype>), ...own, rank, offset };
  };
  return Array.from({ length: experts }, (_, expert) => ({
    name: nameOf(expert),
    kind: "linear",
    in: inputs,
    out,
    inputShape: [inputs],
    rank,
    a: at(a, ofA, { size: inputs, strides: { unit: inputs, entry: 1 } }, expert),
    b: at(b, ofB, { size: out, strides: { unit: 1, entry: rank } }, expert),
  }));
}

/** The layer of experts and the projection in a path such as mlp.experts.up_proj, as SGLang names the factors of all experts. */
const STACK = /^(.+\.experts)\.([^.]+)$/;

/** Separate the factors of all experts, in three dimensions, from those of single modules. */
export function separateStacks(pairs: readonly FactorPair[]): {
  readonly stacks: readonly FactorPair[];
  readonly others: readonly FactorPair[];
} {
  const isStack = ({ path, a }: FactorPair): boolean =>
    a.shape.length === 3 && stackedParameter(STACK.exec(path)?.[2] ?? "") !== null;
  return { stacks: pairs.filter(isStack), others: pairs.filter((pair) => !isStack(pair)) };
}

/** The modules of such factors. Where gate and up are one weight, only a parameter of all experts can hold it in PEFT's files. */
export function stackModules(
  name: string,
  stacks: readonly FactorPair[],
): (StridedModule & { readonly parameter?: ParameterPart })[] {
  const whole = stacks.some(({ path }) => path.endsWith(".gate_up_proj"));
  return stacks.flatMap(({ path, a, b }) => {
    const [, owner, projection] = STACK.exec(path) as unknown as [string, string, string];
    const modules = expertModules(name, path, a, b, (expert) => `${owner}.${expert}.${projection}`);
    const parameter = { name: projection, experts: modules.length };
    if (!whole) return modules;
    return modules.map((module, expert) => ({ ...module, name: partName(owner, parameter, expert), parameter }));
  });
}

/** Whether a module's factors are part of tensors of all experts, in three dimensions under the projection's name, as SGLang has them. */
export function isNamedStack({ a }: Pick<AdapterModule, "a">): boolean {
  return "shape" in a && a.shape.length === 3 && /\.experts\.[^.]+\.lora_A\b/.test(a.name);
}
