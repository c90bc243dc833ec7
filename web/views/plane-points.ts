import type { Point } from "../../src/analysis/hull.ts";
import type { View } from "./zoom.ts";

const EDGE = 24;
/** Radii of marks, in pixels; many marks are smaller, so that together they cover no more than the picture. */
const [LEAST_RADIUS, MOST_RADIUS] = [2, 5.5];
/** How far from a mark's middle a press still means it: a target of 24 pixels. */
const REACH_PX = 12;

/** Where the units are in a picture that is not magnified, with the same scale on both axes. */
export function pointsIn(spread: readonly (readonly number[])[], width: number, height: number): Point[] {
  const [[left, right], [low, high]] = [rangeOf(spread, 0), rangeOf(spread, 1)];
  const fit = Math.min(
    (width - 2 * EDGE) / Math.max(right - left, 1e-30),
    (height - 2 * EDGE) / Math.max(high - low, 1e-30),
  );
  return spread.map(([x = 0, y = 0]) => [
    width / 2 + (x - (left + right) / 2) * fit,
    height / 2 - (y - (low + high) / 2) * fit,
  ]);
}

function rangeOf(spread: readonly (readonly number[])[], axis: 0 | 1): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { [axis]: value = 0 } of spread) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

/** A point's place in the picture as it is magnified and moved. */
export function shownAt([x, y]: Point, { zoom, x: dx, y: dy }: View): Point {
  return [zoom * x + dx, zoom * y + dy];
}

/** The radius of a mark, in pixels. */
export function markRadius(count: number, width: number, height: number, { zoom }: View): number {
  const each = (zoom * zoom * width * height) / count;
  return Math.min(MOST_RADIUS, Math.max(LEAST_RADIUS, Math.sqrt(each / Math.PI)));
}

/** The point that is nearest to a place of the picture; null if none is near. */
export function nearest(points: readonly Point[], view: View, [x, y]: Point): number | null {
  let [found, least]: [number | null, number] = [null, REACH_PX];
  for (const [i, point] of points.entries()) {
    const [px, py] = shownAt(point, view);
    const apart = Math.hypot(px - x, py - y);
    if (apart <= least) [found, least] = [i, apart];
  }
  return found;
}
