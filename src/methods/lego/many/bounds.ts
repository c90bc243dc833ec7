import { stripColumns } from "../../../units/memory.ts";
import { unitSumsBytes } from "../../../units/unit-sums.ts";
import { type ModuleShape, sumOfRanks } from "../../method.ts";
import type { LegoOptions } from "../options.ts";

/** How many points are clustered at once. */
export interface PointLimits {
  /** Points of a chunk that are clustered together at first. */
  readonly chunk: number;
  /** Points that are clustered by the exact search: all points if there are no more, else about as many centres of chunks. */
  readonly searched: number;
}

export const LIMITS: PointLimits = { chunk: 1024, searched: 2048 };

/** The most points that one Gram matrix is made of. */
function mostSearched(k: number, units: number): number {
  return Math.max(LIMITS.chunk, LIMITS.searched, k + Math.ceil(units / LIMITS.chunk));
}

/** The choice that needs the inner products of all pairs of units; null if there is none. */
export function refuseMany({ gauge, centre, metric }: LegoOptions): string | null {
  if (gauge === "svd") return "lego's gauge svd";
  if (centre === "rank1") return "lego's centre rank1";
  return metric === "euclidean" || metric === "cosine" ? null : `lego's metric ${metric}`;
}

/** Kernel memory of `mergeManyUnits` besides the pool and the result, in bytes. */
export function manyUnitsBytes({ in: inputs, out, ranks, rank }: ModuleShape): number {
  const units = sumOfRanks(ranks);
  const strip = 4 * stripColumns(units, inputs, out);
  const searched = mostSearched(rank, units);
  const turned = 4 * rank * (inputs + out) + 40 * rank * rank;
  return (
    unitSumsBytes(searched, units) +
    Math.max(searched * (8 * searched + strip), rank * (8 * units + strip)) +
    turned +
    64 * rank +
    1024
  );
}
