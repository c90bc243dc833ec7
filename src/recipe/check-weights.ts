import { maximum } from "../core/maximum.ts";
import { plural } from "../core/plural.ts";
import { orderlessSum } from "../core/sum.ts";
import type { DataPath } from "../formats/yaml/placed-yaml.ts";
import type { Method } from "../methods/method.ts";
import type { Fail } from "./check-options.ts";
import type { LooseRecipe } from "./recipe.ts";

/**
 * Check the weights of adapters, of single modules and of blocks, and the scale.
 *
 * @param inputs names of the adapters in messages
 * @returns one weight for each adapter
 * @throws what `fail` throws, for too many or too few weights, and for weights that are not finite or that the method does not take
 */
export function checkWeights(
  { weights, moduleWeights = [], blockWeights, scale = 1 }: LooseRecipe,
  method: Method,
  inputs: readonly string[],
  fail: Fail,
): readonly number[] {
  if (inputs.length === 0) fail([], "There is nothing to merge; pass at least one adapter.");
  const own = weights ?? inputs.map(() => 1);
  checkWeightList(own, method, inputs, ["weights"], "", fail);
  for (const [i, { match, weights: ofModules }] of moduleWeights.entries()) {
    checkWeightList(ofModules, method, inputs, ["moduleWeights", i, "weights"], ` for ${match}`, fail);
  }
  if (blockWeights !== undefined) checkBlockWeights(blockWeights, method, inputs, fail);
  if (scale === 0) {
    fail(["scale"], "The scale is 0, so the result would change nothing; pass another --scale, or leave it out.");
  }
  return own;
}

function checkWeightList(
  weights: readonly number[],
  method: Method,
  inputs: readonly string[],
  path: DataPath,
  where: string,
  fail: Fail,
): void {
  if (weights.length !== inputs.length) {
    const are = inputs.length === 1 ? "is" : "are";
    const counts = `There ${are} ${plural(inputs.length, "adapter")} but ${plural(weights.length, "weight")}${where}`;
    fail(path, `${counts}; pass one weight for each adapter, in their order.`);
  }
  if (weights.some((weight) => !Number.isFinite(weight))) fail(path, `Weights${where} must be finite numbers.`);
  refuseNegative(weights, method, path, (t) => [inputs[t]!, where], fail);
  const why = extremeWeights(weights, method.id);
  if (why !== null) fail(path, why);
}

/** @param ofWeight the adapter that a weight is for, and what it is the weight of, with a space in front */
function refuseNegative(
  weights: readonly number[],
  method: Method,
  path: DataPath,
  ofWeight: (i: number) => readonly [adapter: string, of: string],
  fail: Fail,
): void {
  const negative = weights.findIndex((weight) => weight < 0);
  if (method.weights !== "relative" || negative < 0) return;
  const [adapter, of] = ofWeight(negative);
  fail(
    [...path, negative],
    `Weights of ${method.id} are relative and cannot be negative, but ${adapter} has ${weights[negative]}${of}; to subtract an adapter use --method cat.`,
  );
}

function checkBlockWeights(
  lists: readonly (readonly number[])[],
  method: Method,
  inputs: readonly string[],
  fail: Fail,
): void {
  const path = (...rest: DataPath): DataPath => ["blockWeights", ...rest];
  if (lists.length !== inputs.length) {
    const are = `There ${inputs.length === 1 ? "is" : "are"} ${plural(inputs.length, "adapter")}`;
    fail(
      path(),
      `${are} but ${plural(lists.length, "list")} of block weights; give one list for each adapter, in their order, such as 1 for an adapter that stays as it is.`,
    );
  }
  for (const [t, list] of lists.entries()) {
    const name = inputs[t]!;
    if (list.length === 0)
      fail(path(t), `The block weights of ${name} are empty; give one number for each block, or one for all.`);
    const odd = list.findIndex((weight) => !Number.isFinite(weight));
    if (odd >= 0) fail(path(t, odd), `Block weights must be finite numbers, but those of ${name} hold ${list[odd]}.`);
    if (method.weights !== "relative") continue;
    refuseNegative(list, method, path(t), () => [name, " for a block"], fail);
    const scaling = list.findIndex((weight) => weight !== 0 && weight !== 1);
    if (inputs.length === 1 && scaling >= 0) {
      fail(
        path(t, scaling),
        `Weights of ${method.id} are relative, so the block weight ${list[scaling]} of a single adapter would change nothing; use --method svd.`,
      );
    }
  }
}

/** Sums of weights this far apart lose the smaller ones to rounding. */
export const MOST_WEIGHT_RATIO = 1e12;

/** Why the weights of one module lie too far apart; null where they do not. */
export function extremeWeights(weights: readonly number[], method: string): string | null {
  const sizes = weights.map(Math.abs).filter((weight) => weight > 0);
  const ratio = maximum(sizes) / -maximum(sizes.map((size) => -size));
  if (sizes.length === 0 || (ratio <= MOST_WEIGHT_RATIO && Number.isFinite(orderlessSum(sizes)))) return null;
  return `The weights of ${method} range over a factor of ${ratio.toExponential(0)} (their sum is ${orderlessSum(sizes)}), beyond ${MOST_WEIGHT_RATIO.toExponential(0)}, so the smaller ones would be lost; pass weights of more similar size, or 0 to leave an adapter out.`;
}
