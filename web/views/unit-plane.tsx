import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { percent } from "../../src/core/shown.ts";
import { clustering, computeLayout, k, layout, layoutBusy, marked } from "../state/module.ts";
import { ChartMenu } from "./chart-menu.tsx";
import { drawnMarks } from "./drawn-marks.ts";
import { Hulls } from "./hulls.tsx";
import { MarkedUnits, UnitTable } from "./marked-units.tsx";
import { Marks } from "./marks.tsx";
import { markRadius, pointsIn } from "./plane-points.ts";
import { placesInOrder, UnitList } from "./unit-list.tsx";
import { useSize } from "./use-size.ts";
import { useZoom } from "./zoom.ts";

/**
 * The units in the plane of their largest variance, or laid out by UMAP; clusters as outlines around their members.
 *
 * @param bare without controls
 */
export function UnitPlane({ plane, bare = false }: { plane: ModulePlane; bare?: boolean }) {
  const { box, width, height } = useSize<HTMLDivElement>();
  const { view, by, reset, reveal, handlers, onKey } = useZoom(width, height);
  const hovered = useSignal<number | null>(null);
  const spread = layout.value ?? plane.coordinates;
  const points = useMemo(() => pointsIn(spread, width, height), [spread, width, height]);
  const adapters = useMemo(() => plane.units.map(({ id }) => id[0]), [plane]);
  const radius = markRadius(points.length, width, height, view);
  const marks = { points, adapters, view, radius, chosen: marked.value };
  return (
    <figure class={bare ? "plane bare" : "tile plane"}>
      {!bare && (
        <figcaption class="row between">
          <span>{captionOf(plane)}</span>
          <span class="tools">
            {plane.units.length > 3 && <LayoutButton />}
            <button type="button" aria-label="Zoom in" onClick={() => by(1.5)}>
              +
            </button>
            <button type="button" aria-label="Zoom out" onClick={() => by(1 / 1.5)}>
              −
            </button>
            <button type="button" aria-label="Show all units" aria-disabled={view.zoom === 1} onClick={reset}>
              ⤢
            </button>
            <ChartMenu
              title="Units"
              of={`${plane.name}, k = ${clustering.value?.k ?? k.value}, ${layout.value === null ? "PCA" : "UMAP"}`}
              legend
              marks={() => drawnMarks(marks)}
            >
              <UnitTable plane={plane} places={placesInOrder(plane)} />
            </ChartMenu>
          </span>
        </figcaption>
      )}
      <div class={`plot${view.zoom > 1 ? " zoomed" : ""}`} ref={box} {...handlers}>
        {width * height > 0 && (
          <>
            <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
              <g transform={`translate(${view.x.toFixed(1)} ${view.y.toFixed(1)})`}>
                <Hulls plane={plane} points={points} zoom={view.zoom} numbered={!bare} />
              </g>
            </svg>
            <Marks {...marks} width={width} height={height} hovered={hovered.value} />
            <UnitList {...{ plane, points, view, width, radius, hovered, reveal, onKey }} />
          </>
        )}
      </div>
      {!bare && <MarkedUnits plane={plane} />}
    </figure>
  );
}

function captionOf({ explained: [one, other] }: ModulePlane): string {
  return layout.value === null
    ? `Units by PCA: ${percent(one ?? 0)} of the variance across, ${percent(other ?? 0)} up`
    : "Units by UMAP: distances mean little";
}

function LayoutButton() {
  const busy = layoutBusy.value;
  const toggle = (): void => {
    if (busy) return;
    if (layout.value === null) void computeLayout();
    else layout.value = null;
  };
  return (
    <button type="button" aria-disabled={busy} onClick={toggle}>
      {busy ? "Laying out…" : layout.value === null ? "Lay out by UMAP" : "Back to PCA"}
    </button>
  );
}
