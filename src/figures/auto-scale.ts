import { orderlessSum } from "../core/sum.ts";
import { type DeltaProducts, normOf } from "./delta.ts";
import type { ResponseProducts } from "./response.ts";

/** Digits of a computed factor: enough to be exact for practice, few enough that rounding errors do not show. */
const DIGITS = 4;
/** A norm below this share of what it is compared with is rounding error. */
const LEAST_SHARE = 1e-6;
/** The least agreement of D' with the adapters that gives a factor; unrelated adapters added up have 1, opposites next to nothing. */
export const LEAST_AGREEMENT = 0.2;

/** A factor for a merged delta D', computed from the adapters alone; docs/scale.md derives it. */
export interface AutoScale {
  /** What the delta is multiplied by. */
  readonly factor: number;
  /** What decided, or why the factor is 1. */
  readonly rule: "pull" | "one adapter" | "nothing shared" | "no direction";
  /** The factor with which D' holds as much of the adapters as a good merge does; null if D' holds nothing of them. */
  readonly pull: number | null;
  /** The factor with which D' answers the adapters' own directions best, in the least-squares sense; null if it does not answer. */
  readonly response: number | null;
  /** The factor that gives D' the adapters' mean norm, to compare; null if D' is zero. */
  readonly norm: number | null;
}

/**
 * The factor of a merged delta, over all modules together.
 *
 * @param products of the inputs' deltas, each times its weight, and of D' before any factor
 * @param responses the sum over all modules
 * @param shared whether a module has two adapters; each is in the result by itself if none has, and nothing asks for another size
 */
export function autoScale(products: DeltaProducts, responses: ResponseProducts, shared: boolean): AutoScale {
  const norms = products.cross.map((_, t) => normOf(products, t));
  const acting = norms.filter((norm) => norm > 0);
  const total = orderlessSum(acting);
  const merged = Math.sqrt(products.merged);
  if (acting.length === 0 || !(merged > LEAST_SHARE * total)) return without("no direction");
  const norm = rounded(total / acting.length / merged);
  if (acting.length === 1) return { ...without("one adapter"), norm };
  if (!shared) return { ...without("nothing shared"), norm };
  const pulled = orderlessSum(products.cross);
  const size = sizeOf(products);
  const pull =
    agreement(products)! > LEAST_AGREEMENT ? rounded((shareKept(countOf(products, size)) * size) / pulled) : null;
  const response =
    responses.answered > LEAST_SHARE && responses.square > 0 ? rounded(responses.answered / responses.square) : null;
  if (pull === null) return { ...without("no direction"), response, norm };
  return { factor: pull, rule: "pull", pull, response, norm };
}

/**
 * How much D' goes along with the adapters: sum <D', D_t> over |D'| sqrt(sum |D_t|^2), a cosine with all of them side by side. Above 1 only
 * if they have something in common; null if a norm is 0.
 */
export function agreement(products: DeltaProducts): number | null {
  const size = Math.sqrt(products.merged) * Math.sqrt(sizeOf(products));
  return size === 0 ? null : orderlessSum(products.cross) / size;
}

/** sum of |D_t|^2. */
function sizeOf(products: DeltaProducts): number {
  return orderlessSum(products.cross.map((_, t) => normOf(products, t) ** 2));
}

/**
 * How many unrelated adapters of one size the deltas stand for: from 1, for copies, to their number. Opposites have nothing in common.
 *
 * @param size sum of |D_t|^2
 */
function countOf({ inputs }: DeltaProducts, size: number): number {
  return size ** 2 / orderlessSum(inputs.map((product) => Math.max(0, product) ** 2));
}

/** The share that a good merge of this many unrelated adapters holds of each: 1 of one adapter, about 1 / sqrt(count) of many. */
function shareKept(count: number): number {
  return 1 / Math.sqrt(count + 1 - 1 / count ** 3);
}

function without(rule: AutoScale["rule"]): AutoScale {
  return { factor: 1, rule, pull: null, response: null, norm: null };
}

function rounded(factor: number): number {
  return Number(factor.toPrecision(DIGITS));
}
