import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import type { Point } from "../../src/analysis/hull.ts";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { clustering, marked } from "../state/module.ts";
import { useChange } from "./motion.ts";
import { mixOf } from "./palette.tsx";
import { outlineAt, regroup } from "./regrouping.ts";

/** How far a cluster's number stands above it, in pixels. */
const ABOVE = 9;

interface HullsProps {
  readonly plane: ModulePlane;
  /** Where the units are in the picture before it is magnified. */
  readonly points: readonly Point[];
  readonly zoom: number;
  readonly numbered: boolean;
}

/**
 * Clusters as outlines in the mixture of their adapters' colours, with their numbers; they grow and shrink as k changes. Moving the picture
 * draws none of them anew.
 */
export const Hulls = memo(({ plane, points, zoom, numbered }: HullsProps) => {
  const { before, value, at } = useChange(clustering.value);
  const groups = useMemo(
    () => (value === null ? [] : regroup(before?.clusters ?? [], value.clusters)),
    [before, value],
  );
  const lit = marked.value;
  return groups.map((group, c) => {
    const { members } = group;
    if (members.length < 2) return null;
    const hull = outlineAt(group, points, at).map(([x, y]) => [zoom * x, zoom * y] as const);
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
});
