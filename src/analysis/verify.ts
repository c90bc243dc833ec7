import type { Adapter } from "../adapter/adapter.ts";
import { refuseMisfits } from "../adapter/compatibility.ts";
import { MERGED_VARIANTS, refuseVariants } from "../adapter/variants.ts";
import { maximum } from "../core/maximum.ts";
import { type Random, seededRandom } from "../core/random.ts";
import { MeanPurity, type Purity } from "../figures/purity.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { scaledUnit } from "../linalg/combination.ts";
import { PAPER } from "../methods/lego/options.ts";
import { underOneName } from "../plan/one-name.ts";
import type { Pool } from "../units/pool.ts";
import type { UnitRows } from "../units/unit-rows.ts";
import { legoOn } from "./lego-on.ts";
import { moduleNames, readPool } from "./pools.ts";

/** Largest relative error from f32 arithmetic where the algebra is exact. */
const MOST_ERROR = 1e-5;
/** Number of random assignments that purity is compared with. */
const DRAWS = 200;

/** One of the paper's claims, measured on given adapters. */
export interface Claim {
  readonly id: "permutation-invariance" | "concatenation-summation" | "cluster-purity";
  readonly claim: string;
  /** What was measured, as text with figures. */
  readonly measured: string;
  /** null if the check has nothing to compare (purity of one adapter). */
  readonly holds: boolean | null;
  readonly figures: Readonly<Record<string, number>>;
}

/**
 * Measure the paper's claims (arXiv 2409.16167) on adapters: the order of an adapter's units does not matter, the units of all
 * adapters side by side give the sum of their outputs, and clusters gather units of one adapter more often than chance.
 * Outputs are B (A x) in f32 for one random x per module.
 *
 * @param rank clusters per module; default the largest input rank
 * @param seed of x, the permutation and the random assignments
 * @param allowPartial accept adapters that share no module or end at different layers
 * @throws RefusedError for adapters that do not fit each other, or that are more than plain LoRA
 */
export async function verifyOpened(
  kernels: Kernels,
  given: readonly Adapter[],
  rank: number | null,
  seed: number,
  allowPartial = false,
): Promise<Claim[]> {
  for (const adapter of given) refuseVariants(adapter, MERGED_VARIANTS);
  const { adapters } = underOneName(given);
  refuseMisfits(adapters, allowPartial);
  const random = seededRandom(seed);
  const largest = maximum(adapters.flatMap(({ modules }) => [...modules.values()].map((module) => module.rank)));
  let permutation = 0;
  let concatenation = 0;
  const pure = new MeanPurity(random, DRAWS);
  for (const name of moduleNames(adapters)) {
    const pool = (await readPool(kernels, adapters, name))!;
    if (pool.count === 0) continue;
    const rows = await pool.combine(Array.from(pool.ids.keys(), (i) => scaledUnit(i, 1, 1)));
    const x = Float32Array.from({ length: pool.in }, () => Math.fround(2 * random.uniform() - 1));
    permutation = Math.max(permutation, permutationError(pool, rows, x, random));
    concatenation = Math.max(concatenation, concatenationError(pool, rows, x));
    const { merged } = await legoOn(pool, rank ?? largest, { ...PAPER, seed });
    pure.add(merged.clusters!.map(({ members }) => members.map(([input]) => input)));
  }
  return [
    errorCheck("permutation-invariance", "The order of an adapter's units does not change its output.", permutation),
    errorCheck(
      "concatenation-summation",
      "The units of all adapters side by side give the sum of their outputs.",
      concatenation,
    ),
    purityCheck(adapters.length, pure.figures),
  ];
}

function errorCheck(id: Claim["id"], claim: string, error: number): Claim {
  const measured = `largest relative error ${error.toExponential(1)} in f32`;
  return { id, claim, measured, holds: error <= MOST_ERROR, figures: { error } };
}

function purityCheck(adapters: number, pure: Purity | null): Claim {
  const claim = "Clusters gather units of one adapter more often than chance.";
  const id = "cluster-purity";
  if (adapters < 2 || pure === null) {
    return { id, claim, measured: "needs two adapters", holds: null, figures: {} };
  }
  const { purity, chance, deviation } = pure;
  const measured = `purity ${percent(purity)}, by chance ${percent(chance)} +- ${percent(deviation)}`;
  return { id, claim, measured, holds: purity > chance + 3 * deviation, figures: { ...pure } };
}

/** Relative difference of each adapter's output when its units are summed in another order. */
function permutationError(pool: Pool, rows: UnitRows, x: Float32Array, random: Random): number {
  let worst = 0;
  for (const units of unitsByAdapter(pool)) {
    const shuffled = [...units];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    worst = Math.max(worst, difference(output(pool, rows, x, units), output(pool, rows, x, shuffled)));
  }
  return worst;
}

/** Relative difference of the output of all units at once from the sum of the adapters' outputs. */
function concatenationError(pool: Pool, rows: UnitRows, x: Float32Array): number {
  const sum = new Float32Array(pool.out);
  for (const units of unitsByAdapter(pool)) {
    for (const [o, value] of output(pool, rows, x, units).entries()) sum[o]! += value;
  }
  return difference(sum, output(pool, rows, x, [...pool.ids.keys()]));
}

function unitsByAdapter(pool: Pool): number[][] {
  const units = new Map<number, number[]>();
  for (const [i, [input]] of pool.ids.entries()) units.set(input, [...(units.get(input) ?? []), i]);
  return [...units.values()];
}

/** sum over units of b (a . x), every sum in f32, in the order given. */
function output(pool: Pool, { a, b }: UnitRows, x: Float32Array, units: readonly number[]): Float32Array {
  const y = new Float32Array(pool.out);
  for (const i of units) {
    let product = 0;
    for (let c = 0; c < pool.in; c++) product = Math.fround(product + a[i * pool.in + c]! * x[c]!);
    for (let o = 0; o < pool.out; o++) y[o]! += b[i * pool.out + o]! * product;
  }
  return y;
}

/** |one - other| / |one|; 0 if both are zero. */
function difference(one: Float32Array, other: Float32Array): number {
  let apart = 0;
  let norm = 0;
  for (let o = 0; o < one.length; o++) {
    apart += (one[o]! - other[o]!) ** 2;
    norm += one[o]! ** 2;
  }
  return norm === 0 ? Math.sqrt(apart) : Math.sqrt(apart / norm);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
