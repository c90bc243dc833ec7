import { convexHull, type Point } from "../../src/analysis/hull.ts";
import type { ViewedCluster } from "../../src/analysis/module-view.ts";

/** A cluster on its way from the earlier cluster that has most of its members: who stays, who comes and who goes. */
export interface Regrouped {
  readonly members: readonly number[];
  readonly staying: readonly number[];
  readonly coming: readonly number[];
  readonly going: readonly number[];
}

/** Where each cluster comes from; without earlier clusters, and where it shares no member with one, it stays as it is. */
export function regroup(earlier: readonly ViewedCluster[], clusters: readonly ViewedCluster[]): Regrouped[] {
  const before = new Map(earlier.flatMap(({ members }, c) => members.map((i) => [i, c] as const)));
  return clusters.map(({ members }) => {
    const shared = new Map<number, number>();
    for (const i of members) {
      const c = before.get(i);
      if (c !== undefined) shared.set(c, (shared.get(c) ?? 0) + 1);
    }
    const [from] = [...shared].reduce((one, other) => (other[1] > one[1] ? other : one), [-1, 0]);
    if (from < 0) return { members, staying: members, coming: [], going: [] };
    const own = new Set(members);
    return {
      members,
      staying: members.filter((i) => before.get(i) === from),
      coming: members.filter((i) => before.get(i) !== from),
      going: earlier[from]!.members.filter((i) => !own.has(i)),
    };
  });
}

/** The hull of a cluster at a share of its way: who comes moves out from the middle of those that stay, who goes moves there. */
export function outlineAt(
  { members, staying, coming, going }: Regrouped,
  points: readonly Point[],
  at: number,
): Point[] {
  if (at === 1) return convexHull(members.map((i) => points[i]!));
  const stay = staying.map((i) => points[i]!);
  const [mx, my] = [0, 1].map((axis) => stay.reduce((sum, point) => sum + point[axis]!, 0) / stay.length) as [
    number,
    number,
  ];
  const towards = (i: number, share: number): Point => {
    const [x, y] = points[i]!;
    return [mx + (x - mx) * share, my + (y - my) * share];
  };
  return convexHull([...stay, ...coming.map((i) => towards(i, at)), ...going.map((i) => towards(i, 1 - at))]);
}
