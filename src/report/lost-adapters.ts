import { type DeltaProducts, normOf } from "../figures/delta.ts";
import { AUTO } from "../methods/auto.ts";
import type { Fix, Warning } from "../plan/warning.ts";

/**
 * How many times smaller than the others' mean a delta must be. Adapters trained alike differ by a factor of 2 to 3, those of
 * different rank and training length by up to 9 (docs/report.md). At 20, a delta is at most 1/400 of a sum's square.
 */
const LEAST_TIMES = 20;
/** Below this cosine the result keeps almost nothing of a delta. A small delta that others agree with is not lost. */
export const MOST_COSINE = 0.05;

/** One input that takes part in a merge. */
export interface LosableInput {
  readonly name: string;
  /** Its place in `products` and `cosines`. */
  readonly t: number;
  /** In all modules; null if modules differ. */
  readonly weight: number | null;
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
  const sized = inputs.map((input) => ({ ...input, norm: normOf(products, input.t) })).filter(({ norm }) => norm > 0);
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
  const fix = balancing(inputs, lost, products.cross.length, scales);
  return lost.map(({ name, weight, times, cosine }) => {
    const heavier =
      weight === null
        ? `weights ${twoDigits(times)} times as large would balance it`
        : `a weight of ${twoDigits(weight * times)} would balance it`;
    const balance = scales
      ? heavier
      : `weights do not scale deltas here, so bring it to their size first: lora-lego merge ${name} --method cat --scale ${twoDigits(times)} --out DIR`;
    return {
      id: "lost-adapter",
      text: `${name} is practically lost: its deltas are ${twoDigits(times)} times smaller than the others' and have cosine ${cosine.toFixed(3)} with the result; ${balance}.`,
      adapter: name,
      ...(fix !== null && { fix }),
    };
  });
}

/** The weights that balance all lost inputs, which `--method auto` takes if the method's own do not scale deltas; null if modules differ. */
function balancing(
  inputs: readonly LosableInput[],
  lost: readonly LostInput[],
  count: number,
  scales: boolean,
): Fix | null {
  const weights = new Array<number>(count).fill(0);
  for (const { t, weight } of inputs) {
    if (weight === null) return null;
    const times = lost.find((other) => other.t === t)?.times;
    weights[t] = times === undefined ? weight : Number(twoDigits(weight * times));
  }
  return { why: "These weights balance the adapters.", ...(!scales && { method: AUTO }), weights };
}

/** Two digits are enough to balance by. */
export function twoDigits(value: number): string {
  return String(Number(value.toPrecision(2)));
}
