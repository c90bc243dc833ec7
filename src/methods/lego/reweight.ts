import { type Combination, gramOf } from "../../linalg/combination.ts";
import type { Pool } from "../../units/pool.ts";
import { rowNorms, type UnitRows } from "../../units/unit-rows.ts";
import type { Frame } from "./frame.ts";
import type { Group } from "./group.ts";
import type { LegoOptions } from "./options.ts";

/** A centre shorter than this share of its members' mean norm is cancellation noise and is written as zero. */
export const LEAST_CENTRE = 1e-4;

/** The factor of each centre's halves, null if its members cancel; and the centres as rows, if they had to be written. */
export interface Reweighting {
  readonly reweights: readonly (number | null)[];
  readonly rows: UnitRows | null;
}

/**
 * Parameter reweighting: the factor that brings each centre back to the size of its members. In the norms linf and l2 this is the
 * members' weighted mean norm divided by the centre's, over both halves together. For `delta` it is the root of the members' root
 * mean square of |b| |a| divided by the centre's, so that the centre's delta is as large as theirs however a unit is split.
 * A group of one point keeps its size.
 */
export async function reweightCentres(
  pool: Pool,
  frame: Frame,
  groups: readonly Group[],
  centres: readonly Combination[],
  { reweight }: LegoOptions,
): Promise<Reweighting> {
  if (reweight === "delta") return { reweights: byDelta(pool, frame, groups, centres), rows: null };
  const rows = await pool.combine(centres);
  if (reweight === "none") return { reweights: groups.map(() => 1), rows };
  const norms = reweight === "l2" ? lengths(frame) : await largestEntries(pool, frame);
  return { reweights: byNorm(groups, norms, rowNorms(pool, rows, reweight)), rows };
}

function byNorm(groups: readonly Group[], norms: readonly number[], ofCentres: Float64Array): (number | null)[] {
  return groups.map((group, c) => {
    if (group.leaders.length === 1) return 1;
    const mean = meanOver(group, (i) => norms[i]!);
    return ofCentres[c]! < LEAST_CENTRE * mean ? null : mean / ofCentres[c]!;
  });
}

function byDelta(
  pool: Pool,
  { units, gramA, gramB }: Frame,
  groups: readonly Group[],
  centres: readonly Combination[],
): (number | null)[] {
  const n = units.length;
  const [amongA, amongB] = [gramOf(centres, "a", pool.gramA, pool.count), gramOf(centres, "b", pool.gramB, pool.count)];
  return groups.map((group, c) => {
    if (group.leaders.length === 1) return 1;
    const cell = c * centres.length + c;
    const size = Math.sqrt(Math.max(0, amongA[cell]! * amongB[cell]!));
    const rms = Math.sqrt(meanOver(group, (i) => gramA[i * n + i]! * gramB[i * n + i]!));
    return size < LEAST_CENTRE ** 2 * rms ? null : Math.sqrt(rms / size);
  });
}

/** The weighted mean of a value of a group's units. */
function meanOver({ leaders, weights }: Group, of: (unit: number) => number): number {
  const total = weights.reduce((sum, w) => sum + w, 0);
  return leaders.reduce((sum, i, x) => sum + (weights[x]! / total) * of(i), 0);
}

function lengths({ units, gramA, gramB }: Frame): number[] {
  return units.map((_, i) => Math.sqrt(gramA[i * units.length + i]! + gramB[i * units.length + i]!));
}

async function largestEntries(pool: Pool, { units }: Frame): Promise<number[]> {
  if (units.every(({ members }) => members.length === 1)) {
    return units.map(({ members, a, b }) =>
      Math.max(Math.abs(a[0]!) * pool.maxA[members[0]!]!, Math.abs(b[0]!) * pool.maxB[members[0]!]!),
    );
  }
  const { a, b } = await pool.extremes(units);
  return units.map((_, i) => Math.max(Math.abs(a[i]!), Math.abs(b[i]!)));
}
