import { type DeltaProducts, normOf } from "../figures/delta.ts";
import type { Warning } from "../plan/warning.ts";
import { MOST_WEIGHT_RATIO } from "../recipe/check-weights.ts";
import { FIXES } from "./fixes.ts";
import { keptOf, MOST_COSINE } from "./kept.ts";

/**
 * How many times smaller than the others' mean a delta must be. Adapters trained alike differ by a factor of 2 to 3, those of
 * different rank and training length by up to 9 (docs/report.md). At 20, a delta is at most 1/400 of a sum's square.
 */
const LEAST_TIMES = 20;

/** One input that takes part in a merge. */
export interface LosableInput {
  readonly name: string;
  /** Its place in `products` and `cosines`. */
  readonly t: number;
  /** In all modules; null if modules differ. */
  readonly weight: number | null;
  /** Whether it shares no module with another one, which could drown it. */
  readonly apart: boolean;
}

/** An input that is practically lost. */
export interface LostInput extends LosableInput {
  /** How many times smaller its delta is than the others' mean. */
  readonly times: number;
  /** Of the result with its delta. */
  readonly cosine: number;
}

/**
 * The inputs that are practically lost: far smaller than the others and not visible in the result.
 *
 * @param products of the inputs, each with its weights if these multiply deltas
 * @param cosines of the result with each input
 */
export function lostInputs(
  inputs: readonly LosableInput[],
  products: DeltaProducts,
  cosines: readonly (number | null)[],
): LostInput[] {
  const sized = inputs
    .map((input) => ({ ...input, norm: normOf(products, input.t) }))
    .filter(({ norm, apart }) => norm > 0 && !apart);
  return sized.flatMap(({ norm, ...input }) => {
    const others = sized.filter((other) => other.t !== input.t);
    const times = others.reduce((sum, other) => sum + other.norm, 0) / others.length / norm;
    const cosine = cosines[input.t] ?? null;
    return times >= LEAST_TIMES && cosine !== null && Math.abs(cosine) < MOST_COSINE
      ? [{ ...input, times, cosine }]
      : [];
  });
}

/**
 * Warn about lost inputs. Names the weight that would bring each to the others' mean or, if weights are relative and do not scale deltas,
 * how to scale it first.
 *
 * @param scales whether weights multiply the deltas
 */
export function lostAdapters(
  inputs: readonly LosableInput[],
  products: DeltaProducts,
  cosines: readonly (number | null)[],
  scales: boolean,
): Warning[] {
  const lost = lostInputs(inputs, products, cosines);
  const zero = inputs.filter(({ t }) => normOf(products, t) === 0);
  const fixes = balancing(inputs, lost, zero, products.cross.length, scales);
  return lost.map(({ name, weight, times, cosine }) => ({
    id: "lost-adapter",
    text: `${name} is practically lost: its deltas are ${smaller(times)} than the others' and have cosine ${cosine.toFixed(3)} with the result; ${balance(weight, times, scales)}.`,
    adapter: name,
    ...fixes,
  }));
}

/**
 * Warn about the other inputs that are practically lost, whatever their size: the result hardly has their direction.
 *
 * @param held what the result holds of each input, by its place
 * @param lost the warnings of `lostAdapters`
 */
export function hiddenAdapters(
  inputs: readonly Pick<LosableInput, "name" | "t" | "apart">[],
  { shares, cosines }: { readonly shares: readonly (number | null)[]; readonly cosines: readonly (number | null)[] },
  lost: readonly Warning[],
): Warning[] {
  return inputs.flatMap(({ name, t, apart }) => {
    const [share, cosine] = [shares[t] ?? null, cosines[t] ?? null];
    if (keptOf(share, cosine, apart) !== "lost" || lost.some(({ adapter }) => adapter === name)) return [];
    const text = `${name} is practically lost: the result has cosine ${cosine!.toFixed(3)} with it.`;
    return [{ id: "lost-adapter", text, adapter: name }];
  });
}

/** How many times smaller, as part of a sentence; beyond a million it is rounding that is left. */
export function smaller(times: number): string {
  return `${times < 1e6 ? twoDigits(times) : "over a million"} times smaller`;
}

/** What balances a lost input, and what that does to it. */
function balance(weight: number | null, times: number, scales: boolean): string {
  if (times > MOST_WEIGHT_RATIO) return balancingWeight(1, times);
  if (!scales) {
    return `weights do not scale deltas here, so bring it to their size first (--method cat --scale ${twoDigits(times)}), which amplifies its noise as much`;
  }
  if (weight !== null) return balancingWeight(weight * times, times);
  return `weights ${twoDigits(times)} times as large would balance it, and amplify its noise as much`;
}

/** The weight that balances a lost adapter, and what it does to it, as part of a sentence. */
export function balancingWeight(weight: number, times: number): string {
  if (times > MOST_WEIGHT_RATIO) return "no weight balances it, so leave it out";
  return `a weight of ${twoDigits(weight)} would balance it, and amplify its noise as much`;
}

/**
 * The merges that balance all lost inputs. `--method auto` takes the weights if the method's own do not scale deltas; the other way is to
 * bring the inputs to one size first. And the merge without them. None if modules differ in weights.
 *
 * @param zero inputs that change nothing, which are left out with the lost ones
 */
function balancing(
  inputs: readonly LosableInput[],
  lost: readonly LostInput[],
  zero: readonly LosableInput[],
  count: number,
  scales: boolean,
): Pick<Warning, "fix" | "instead" | "without"> {
  const given = new Array<number>(count).fill(0);
  const weights = new Array<number>(count).fill(0);
  const sizes = new Array<number>(count).fill(1);
  for (const { t, weight } of inputs) {
    if (weight === null) return {};
    const times = lost.find((other) => other.t === t)?.times;
    given[t] = weight;
    weights[t] = times === undefined ? weight : Number(twoDigits(weight * times));
    sizes[t] = times === undefined ? 1 : Number(twoDigits(times));
  }
  const leaves = [...lost, ...zero].map(({ t }) => t).sort((one, other) => one - other);
  const without = FIXES.leaveOut(leaves, namesOf(lost), namesOf(zero), given, inputs.length - leaves.length);
  if (lost.some(({ times }) => times > MOST_WEIGHT_RATIO)) return { without };
  return {
    fix: FIXES.weights(weights, strengths(lost, weights), scales),
    ...(!scales && { instead: FIXES.sizes(sizes, strengths(lost, sizes)) }),
    without,
  };
}

function namesOf(inputs: readonly LosableInput[]): string[] {
  return inputs.map(({ name }) => name);
}

/** How strongly lost inputs act once they are balanced, and for which that is. */
function strengths(lost: readonly LostInput[], factors: readonly number[]): string {
  const each = lost.map(({ name, t }) => `${name} then counts ${factors[t]} times`);
  return `${each.join(", ")}, and its noise as much: for adapters that are fully trained.`;
}

/** Two digits are enough to balance by. */
export function twoDigits(value: number): string {
  return String(Number(value.toPrecision(2)));
}
