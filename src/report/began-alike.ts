import type { UnitId } from "../adapter/adapter.ts";
import { maximum } from "../core/maximum.ts";
import type { Warning } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";

/** With fewer clusters the share means nothing. */
const LEAST_CLUSTERS = 20;
/** By chance, 1 / r of clusters of two have units of the same number: a quarter at four units. */
const LEAST_UNITS = 4;
const MOST_SHARE = 0.8;

/** A module with its clusters, or null if it was not clustered. */
interface Clustered {
  readonly clusters: readonly { readonly members: readonly UnitId[] }[] | null;
}

/**
 * Warn that units are grouped by their number in each adapter. Only the random A at the start of training numbers units, so the
 * adapters started from the same A, and A has moved too little since to tell their units apart. Few clusters then average the
 * adapters. The warning appears below the rank for adapters of one seed.
 *
 * @param rank that one, from `legoRank`
 */
export function beganAlike(modules: readonly Clustered[], rank: number): Warning[] {
  const clusters = modules.flatMap(({ clusters: own }) => own ?? []).map(({ members }) => members);
  const joining = clusters.filter((members) => new Set(members.map(([input]) => input)).size > 1);
  const units = maximum(clusters.flat().map(([, unit]) => unit + 1));
  if (joining.length < LEAST_CLUSTERS || units < LEAST_UNITS) return [];
  const alike = joining.filter((members) => new Set(members.map(([, unit]) => unit)).size === 1);
  const share = alike.length / joining.length;
  if (share < MOST_SHARE) return [];
  if (maximum(modules.map(({ clusters: own }) => own?.length ?? 0)) >= rank) return [];
  const text = `${Math.round(100 * share)}% of the clusters that join adapters join units of the same number: the adapters were trained from the same random A (one seed) and are still grouped by it; a larger rank, such as ${rank}, keeps more of each.`;
  return [{ id: "began-alike", text, fix: FIXES.rankOfOneSeed(rank) }];
}
