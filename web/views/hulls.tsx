import { convexHull, type Point } from "../../src/analysis/hull.ts";
import type { ModulePlane, ViewedCluster } from "../../src/analysis/module-view.ts";
import { clustering, marked } from "../state/module.ts";
import { useChange } from "./motion.ts";
import { mixOf } from "./palette.tsx";

/** How far a cluster's number stands above it, in pixels. */
const ABOVE = 9;

/** Clusters as outlines in the mixture of their adapters' colours, with their numbers; they grow and shrink as k changes. */
export function Hulls({
  plane,
  points,
  numbered,
}: {
  plane: ModulePlane;
  points: readonly Point[];
  numbered: boolean;
}) {
  const { before, at } = useChange(clustering.value);
  const lit = marked.value;
  return clustering.value?.clusters.map(({ members }, c) => {
    if (members.length < 2) return null;
    const hull = convexHull(between(members, ancestor(members, before?.clusters ?? []), points, at));
    const top = hull.reduce((one, other) => (other[1] < one[1] ? other : one));
    const color = mixOf(members.map((i) => plane.units[i]!.id[0]));
    return (
      <g key={members.join()} class={`hull${members.some((i) => lit.has(i)) ? " lit" : ""}`} style={{ "--mix": color }}>
        <path d={`M${hull.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`} />
        {numbered && (
          <text x={top[0]} y={top[1] - ABOVE} text-anchor="middle">
            {c + 1}
          </text>
        )}
      </g>
    );
  });
}

/** The members of the earlier cluster that has most of these. */
function ancestor(members: readonly number[], clusters: readonly ViewedCluster[]): readonly number[] {
  const own = new Set(members);
  const shared = (cluster: ViewedCluster): number => cluster.members.filter((i) => own.has(i)).length;
  const [first] = clusters.toSorted((one, other) => shared(other) - shared(one));
  return first === undefined || shared(first) === 0 ? members : first.members;
}

/** Points whose hull lies between an earlier cluster's and a later one's: who stays stays, others come from the middle or go there. */
function between(
  members: readonly number[],
  earlier: readonly number[],
  points: readonly Point[],
  at: number,
): readonly Point[] {
  if (at === 1) return members.map((i) => points[i]!);
  const [now, then] = [new Set(members), new Set(earlier)];
  const staying = members.filter((i) => then.has(i)).map((i) => points[i]!);
  const middle = [0, 1].map((axis) => staying.reduce((sum, point) => sum + point[axis]!, 0) / staying.length);
  const towards = (i: number, share: number): Point => {
    const [x, y] = points[i]!;
    return [middle[0]! + (x - middle[0]!) * share, middle[1]! + (y - middle[1]!) * share];
  };
  const coming = members.filter((i) => !then.has(i)).map((i) => towards(i, at));
  const going = earlier.filter((i) => !now.has(i)).map((i) => towards(i, 1 - at));
  return [...staying, ...coming, ...going];
}
