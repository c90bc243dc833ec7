import type { UnitId } from "../../adapter/adapter.ts";
import { type Combination, gramOf, scaleCombination, scaledUnit } from "../../linalg/combination.ts";
import { factorSvd } from "../../linalg/factor-svd.ts";
import type { Pool } from "../../units/pool.ts";
import { canonicalPlaces } from "../unit-order.ts";
import type { LegoOptions } from "./options.ts";

/** Singular units below this share of the first are dead. */
const LEAST_SIGMA = 1e-6;

/** The units to cluster: the pool's units in the chosen gauge and sign. */
export interface Frame {
  readonly units: readonly Combination[];
  readonly ids: readonly UnitId[];
  readonly weights: readonly number[];
  /** The position of each unit in an output that keeps all units. */
  readonly places: Int32Array;
  /** Inner products (n, n) of their a-halves and b-halves. */
  readonly gramA: Float64Array;
  readonly gramB: Float64Array;
  /** leader[i]: the first unit equal to unit i (or, for lines, to its negative). */
  readonly leader: Int32Array;
}

/**
 * Express a pool's units in the gauge and sign of `options`.
 *
 * @param meanWeight mean weight of the inputs; weights are relative to it
 */
export async function frameUnits(pool: Pool, options: LegoOptions, meanWeight: number): Promise<Frame> {
  const {
    ids,
    weights: absolute,
    places,
    units: unsigned,
  } = options.gauge === "svd" ? singularUnits(pool) : storedUnits(pool, options.gauge === "balanced");
  let units = unsigned;
  // Singular units have the sign of an eigenvector; distances of deltas do not see it.
  const unsure = options.gauge === "svd" && options.metric !== "delta" && options.sign !== "line";
  if (options.sign === "canonical" || unsure) {
    const { a } = await pool.extremes(units);
    units = units.map((unit, i) => (a[i]! < 0 ? scaleCombination(unit, -1, -1) : unit));
  }
  const raw = options.gauge === "raw" && options.sign !== "canonical";
  const gramA = raw ? pool.gramA : gramOf(units, "a", pool.gramA, pool.count);
  const gramB = raw ? pool.gramB : gramOf(units, "b", pool.gramB, pool.count);
  const untouched = options.gauge !== "svd" && options.sign === "none";
  const leader = untouched ? leadersByValue(pool) : leadersByGram(gramA, gramB, units.length, options.sign === "line");
  const weights = absolute.map((weight) => weight / meanWeight);
  return { units, ids, weights, places, gramA, gramB, leader };
}

type Units = Pick<Frame, "units" | "ids" | "weights" | "places">;

/** The pool's units unchanged, or scaled to |a| = |b|. */
function storedUnits(pool: Pool, balanced: boolean): Units {
  const units = pool.ids.map((_, i) => {
    const cell = i * pool.count + i;
    const g = balanced ? (pool.gramB[cell]! / pool.gramA[cell]!) ** 0.25 : 1;
    return scaledUnit(i, g, 1 / g);
  });
  return { units, ids: pool.ids, weights: [...pool.weights], places: canonicalPlaces(pool) };
}

/** The singular units sqrt(sigma_j) (v_j, u_j) of each adapter's delta, the adapters in canonical order. */
function singularUnits(pool: Pool): Units {
  const places = canonicalPlaces(pool);
  const members = new Map<number, number[]>();
  for (const i of Array.from(places.keys()).sort((p, q) => places[p]! - places[q]!)) {
    const input = pool.ids[i]![0];
    members.set(input, [...(members.get(input) ?? []), i]);
  }
  const units: Combination[] = [];
  const ids: UnitId[] = [];
  const weights: number[] = [];
  for (const [input, inFile] of members) {
    const own = inFile.toSorted((p, q) => p - q);
    const svd = factorSvd(block(pool.gramA, pool.count, own), block(pool.gramB, pool.count, own), own.length);
    for (const [j, sigma] of svd.sigma.entries()) {
      if (sigma <= LEAST_SIGMA * svd.sigma[0]!) break;
      const root = Math.sqrt(sigma);
      units.push({ members: own, a: svd.v[j]!.map((x) => x * root), b: svd.u[j]!.map((x) => x * root) });
      ids.push([input, j]);
      weights.push(pool.weights[own[0]!]!);
    }
  }
  return { units, ids, weights, places: Int32Array.from(units.keys()) };
}

/** The square block of a Gram matrix (n, n) at the given positions. */
function block(gram: Float64Array, n: number, at: readonly number[]): Float64Array {
  return Float64Array.from(at.flatMap((i) => at.map((j) => gram[i * n + j]!)));
}

function leadersByValue(pool: Pool): Int32Array {
  const leader = Int32Array.from(pool.same.keys());
  for (let i = 1; i < pool.count; i++) if (pool.same[i]) leader[i] = leader[i - 1]!;
  return leader;
}

/** Equal rows have bit-identical inner products, so units are equal if the distances of both halves are exactly 0. */
function leadersByGram(gramA: Float64Array, gramB: Float64Array, n: number, line: boolean): Int32Array {
  const leader = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const ii = i * n + i;
      const jj = j * n + j;
      const ij = i * n + j;
      if (gramA[ii] !== gramA[jj] || gramB[ii] !== gramB[jj]) continue;
      const alike = gramA[ij] === gramA[ii] && gramB[ij] === gramB[ii];
      const opposite = line && -gramA[ij]! === gramA[ii] && -gramB[ij]! === gramB[ii];
      if (!alike && !opposite) continue;
      leader[i] = leader[j]!;
      break;
    }
  }
  return leader;
}
