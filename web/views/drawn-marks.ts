import type { DrawnMark } from "../state/chart-file.ts";
import type { MarksProps } from "./marks.tsx";
import { colorOf, shapeOf } from "./palette.tsx";
import { shownAt } from "./plane-points.ts";
import { inOrder, LOOKS } from "./stamps.ts";

/** The marks as they are drawn now, for a file. */
export function drawnMarks({
  points,
  adapters,
  view,
  radius,
  chosen,
}: Pick<MarksProps, "points" | "adapters" | "view" | "radius" | "chosen">): DrawnMark[] {
  const style = getComputedStyle(document.body);
  return inOrder(points.length, chosen, null).flatMap(({ look, places }) =>
    places.map((i) => {
      const [x, y] = shownAt(points[i]!, view);
      return {
        shape: shapeOf(adapters[i]!),
        fill: colorOf(adapters[i]!),
        stroke: style.getPropertyValue(look === "plain" ? "--ground" : "--text"),
        strokeWidth: LOOKS[look].edge,
        x,
        y,
        radius: radius * LOOKS[look].size,
      };
    }),
  );
}
