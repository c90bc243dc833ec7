import type { UnitId } from "../adapter/adapter.ts";
import { maximum } from "../core/maximum.ts";
import type { Warning } from "../plan/warning.ts";

/** Fewer clusters say nothing. */
const LEAST_CLUSTERS = 20;
/** By chance clusters of two are of one number in 1 / r of all cases: with four units and more a quarter. */
const LEAST_UNITS = 4;
const MOST_SHARE = 0.8;

/** A module with its clusters, where it was clustered. */
interface Clustered {
  readonly clusters: readonly { readonly members: readonly UnitId[] }[] | null;
}

/**
 * Say that units are grouped by their number in each adapter. Nothing but the random A that training began with numbers units, so the
 * adapters began with the same one, and A has moved too little since to tell their units apart. Few clusters then average the adapters;
 * with about half as many as units each keeps more (docs/evidence.md, ranks by the number of adapters), so those with fewer are told.
 */
export function beganAlike(modules: readonly Clustered[]): Warning[] {
  const clusters = modules.flatMap(({ clusters: own }) => own ?? []).map(({ members }) => members);
  const joining = clusters.filter((members) => new Set(members.map(([input]) => input)).size > 1);
  const units = maximum(clusters.flat().map(([, unit]) => unit + 1));
  if (joining.length < LEAST_CLUSTERS || units < LEAST_UNITS) return [];
  const alike = joining.filter((members) => new Set(members.map(([, unit]) => unit)).size === 1);
  const share = alike.length / joining.length;
  if (share < MOST_SHARE) return [];
  const half = Math.floor(
    maximum(modules.map(({ clusters: own }) => own?.flatMap(({ members }) => members).length ?? 0)) / 2,
  );
  if (maximum(modules.map(({ clusters: own }) => own?.length ?? 0)) >= half) return [];
  const text = `${Math.round(100 * share)}% of the clusters that join adapters join units of the same number: the adapters began with the same random A (one training seed) and are still grouped by it; a larger --rank, up to ${half}, half of all units, keeps more of each.`;
  return [{ id: "began-alike", text }];
}
