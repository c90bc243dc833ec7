import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import type { Point } from "../../src/analysis/hull.ts";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { percent } from "../../src/core/shown.ts";
import { compareIds } from "../../src/methods/unit-order.ts";
import { openAdapters } from "../state/adapters.ts";
import { computeLayout, layout, layoutBusy, marked } from "../state/module.ts";
import { ChartMenu } from "./chart-menu.tsx";
import { Hulls } from "./hulls.tsx";
import { MarkedUnits } from "./marked-units.tsx";
import { colorOf, shapeOf } from "./palette.tsx";
import { useRoving } from "./roving.ts";
import { useSize } from "./use-size.ts";
import { useZoom } from "./zoom.ts";

const EDGE = 24;

/**
 * The units in the plane of their largest variance, or laid out by UMAP; clusters as outlines around their members.
 *
 * @param bare without controls
 */
export function UnitPlane({ plane, bare = false }: { plane: ModulePlane; bare?: boolean }) {
  const { box, width, height } = useSize<HTMLDivElement>();
  const { view, by, reset, handlers, onKey } = useZoom(width, height);
  const spread = layout.value ?? plane.coordinates;
  const points = useMemo(() => scaled(spread, width, height, view.zoom), [spread, width, height, view.zoom]);
  const places = useMemo(() => placesInOrder(plane), [plane]);
  const roving = useRoving(places.map((i) => keyOf(plane, i)));
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
            <ChartMenu title="Units" />
          </span>
        </figcaption>
      )}
      <div class={`plot${view.zoom > 1 ? " zoomed" : ""}`} ref={box} {...handlers}>
        {width * height > 0 && (
          // biome-ignore lint/a11y/useSemanticElements: the group holds the marks of a picture
          <svg
            viewBox={`0 0 ${width} ${height}`}
            role="group"
            aria-label={`${points.length} units in the plane`}
            onKeyDown={(event) => {
              roving.onKeyDown(event);
              onKey(event);
            }}
          >
            <g transform={`translate(${view.x.toFixed(1)} ${view.y.toFixed(1)})`}>
              <Hulls plane={plane} points={points} numbered={!bare} />
              {places.map((i) => (
                <Unit
                  key={keyOf(plane, i)}
                  plane={plane}
                  place={i}
                  at={points[i]!}
                  mark={roving.mark(keyOf(plane, i))}
                />
              ))}
            </g>
          </svg>
        )}
      </div>
      {!bare && <MarkedUnits plane={plane} />}
    </figure>
  );
}

const keyOf = (plane: ModulePlane, i: number): string => plane.units[i]!.id.join();

function captionOf({ explained: [one, other] }: ModulePlane): string {
  return layout.value === null
    ? `Units by PCA: ${percent(one ?? 0)} of the variance across, ${percent(other ?? 0)} up`
    : "Units by UMAP: neighbours are close together, but distances mean little";
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

interface UnitProps {
  plane: ModulePlane;
  place: number;
  at: Point;
  mark: { readonly tabindex: number; onFocus(): void };
}

/** Drawn again only where it moves or takes the tab stop: k changes nothing here. */
const Unit = memo(
  ({ plane, place, at: [x, y], mark }: UnitProps) => {
    const [adapter, unit] = plane.units[place]!.id;
    const name = `${openAdapters.value[adapter]?.name}, unit ${unit}`;
    const on = marked.value.has(place);
    const toggle = (): void => {
      const next = new Set(marked.value);
      if (!next.delete(place)) next.add(place);
      marked.value = next;
    };
    return (
      // biome-ignore lint/a11y/useSemanticElements: an SVG cannot contain a button element
      <g
        class={`unit${on ? " on" : ""}`}
        transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${on ? 8 : 5.5})`}
        role="button"
        {...mark}
        aria-label={name}
        aria-pressed={on}
        onClick={toggle}
        onKeyDown={(event) => {
          if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            toggle();
          }
        }}
      >
        <title>{name}</title>
        <circle class="ring" r="1.8" />
        <path d={shapeOf(adapter)} fill={colorOf(adapter)} />
      </g>
    );
  },
  (one, other) => one.plane === other.plane && one.at === other.at && one.mark.tabindex === other.mark.tabindex,
);

/** Indices of the units by adapter and number, in the order of the keyboard. */
function placesInOrder({ units }: ModulePlane): number[] {
  return [...units.keys()].sort((one, other) => compareIds(units[one]!.id, units[other]!.id));
}

/** Points scaled into a picture, with the same scale on both axes. */
function scaled(spread: readonly (readonly number[])[], width: number, height: number, zoom: number): Point[] {
  const points = spread.map(([x = 0, y = 0]) => [x, y] as const);
  const range = (axis: 0 | 1): [number, number] => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  };
  const [[left, right], [low, high]] = [range(0), range(1)];
  const fit = Math.min(
    (width - 2 * EDGE) / Math.max(right - left, 1e-30),
    (height - 2 * EDGE) / Math.max(high - low, 1e-30),
  );
  return points.map(([x, y]) => [
    zoom * (width / 2 + (x - (left + right) / 2) * fit),
    zoom * (height / 2 - (y - (low + high) / 2) * fit),
  ]);
}
