import { type Combination, gramOf, transformCombinations } from "../../linalg/combination.ts";
import { matrix, scaledRows, transposedProduct } from "../../linalg/matrix.ts";
import { symmetricEigen } from "../../linalg/symmetric-eigen.ts";
import { deltaNorm, type Grams, withNorm } from "./output.ts";

/** Directions below this share of the strongest are rounding errors. */
const LEAST_SHARE = 1e-12;

/**
 * Turn the units of a delta away from each other, and keep the delta's norm. With unit directions u_c and v_c as columns of U and V, and
 * their cosines C_U = U^T U and C_V = V^T V, the new directions are U C_U^(-p/2) and V C_V^(-p/2); each keeps its unit's size |b_c| |a_c|.
 * At p = 1 these are the polar factors, orthonormal as in tsv; at 0 nothing changes. Units of size zero stay zero.
 *
 * @param strength p, above 0 and at most 1
 */
export function decorrelated(pool: Grams, units: readonly Combination[], strength: number): Combination[] {
  const gramA = gramOf(units, "a", pool.gramA, pool.count);
  const gramB = gramOf(units, "b", pool.gramB, pool.count);
  const n = units.length;
  const live = units.flatMap((_, c) => (gramA[c * n + c]! > 0 && gramB[c * n + c]! > 0 ? [c] : []));
  const a = turning(gramA, n, live, strength);
  const b = turning(gramB, n, live, strength);
  const turned = transformCombinations(
    live.map((c) => units[c]!),
    a,
    b,
  );
  const kept = withNorm(pool, turned, deltaNorm(pool, units));
  return units.map((unit, c) => kept[live.indexOf(c)] ?? unit);
}

/** Row j: the coefficients over the live halves of the j-th turned half, which has the length of the j-th. */
function turning(gram: Float64Array, n: number, live: readonly number[], strength: number): Float64Array[] {
  const m = live.length;
  const lengths = live.map((c) => Math.sqrt(gram[c * n + c]!));
  const cosines = Float64Array.from(
    live.flatMap((c, x) => live.map((d, y) => gram[c * n + d]! / lengths[x]! / lengths[y]!)),
  );
  const { values, vectors } = symmetricEigen(cosines, m);
  const powers = Array.from(values, (value) => (value > LEAST_SHARE * values[0]! ? value ** (-strength / 2) : 0));
  const rows = matrix(m, m, vectors);
  const { data } = transposedProduct(rows, scaledRows(rows, powers));
  return lengths.map((length, j) => Float64Array.from(lengths, (other, x) => (data[j * m + x]! * length) / other));
}
