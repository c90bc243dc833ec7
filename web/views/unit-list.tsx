import { type Signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Point } from "../../src/analysis/hull.ts";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { compareIds } from "../../src/methods/unit-order.ts";
import { openAdapters } from "../state/adapters.ts";
import { marked } from "../state/module.ts";
import { nearest, shownAt } from "./plane-points.ts";
import { modified } from "./roving.ts";
import { placeOf, type View } from "./zoom.ts";

interface UnitListProps {
  readonly plane: ModulePlane;
  /** Where the units are before the picture is magnified. */
  readonly points: readonly Point[];
  readonly view: View;
  readonly width: number;
  /** Of a mark, in pixels. */
  readonly radius: number;
  readonly hovered: Signal<number | null>;
  reveal(at: Point): void;
  onKey(event: KeyboardEvent): void;
}

/**
 * The units in the plane for pointers, the keyboard and screen readers: a list over the picture, of which the page holds the current unit
 * alone. The arrow keys go through the units by adapter; Enter, the space bar or a press chooses one.
 */
export function UnitList({ plane, points, view, width, radius, hovered, reveal, onKey }: UnitListProps) {
  const order = useMemo(() => placesInOrder(plane), [plane]);
  const wanted = useSignal(0);
  const at = Math.min(wanted.value, order.length - 1);
  const current = order[at]!;
  const goTo = (to: number): void => {
    wanted.value = to;
    reveal(shownAt(points[order[to]!]!, view));
  };
  const tip = (i: number) => <Tip name={nameOf(plane, i)} at={shownAt(points[i]!, view)} width={width} />;
  return (
    <div
      class={hovered.value === null ? "units" : "units hovering"}
      role="listbox"
      tabIndex={0}
      aria-label={`${order.length} units in the plane`}
      aria-multiselectable="true"
      aria-activedescendant="current-unit"
      onKeyDown={(event) => {
        onKey(event);
        if (modified(event)) return;
        const to = goal(event.key, at, order.length - 1);
        if (to !== null) goTo(to);
        else if (event.key === "Enter" || event.key === " ") toggle(current);
        else return;
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        if (event.pointerType !== "touch") hovered.value = nearest(points, view, placeOf(event));
      }}
      onPointerLeave={() => {
        hovered.value = null;
      }}
      onClick={(event) => {
        // A screen reader presses the option itself, which pointers go through.
        const pressed = event.target === event.currentTarget ? nearest(points, view, placeOf(event)) : current;
        if (pressed === null) return;
        toggle(pressed);
        wanted.value = order.indexOf(pressed);
      }}
    >
      <div
        id="current-unit"
        role="option"
        tabIndex={-1}
        aria-selected={marked.value.has(current)}
        aria-label={nameOf(plane, current)}
        aria-posinset={at + 1}
        aria-setsize={order.length}
      >
        <Ring at={shownAt(points[current]!, view)} radius={radius} />
        {tip(current)}
      </div>
      {hovered.value !== null && hovered.value < points.length && <div aria-hidden="true">{tip(hovered.value)}</div>}
    </div>
  );
}

const nameOf = ({ units }: ModulePlane, i: number): string => {
  const [adapter, unit] = units[i]!.id;
  return `${openAdapters.value[adapter]?.name}, unit ${unit}`;
};

/** Indices of the units by adapter and number. */
export function placesInOrder({ units }: ModulePlane): number[] {
  return [...units.keys()].sort((one, other) => compareIds(units[one]!.id, units[other]!.id));
}

function goal(key: string, at: number, last: number): number | null {
  switch (key) {
    case "ArrowRight":
    case "ArrowDown":
      return Math.min(last, at + 1);
    case "ArrowLeft":
    case "ArrowUp":
      return Math.max(0, at - 1);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}

function toggle(i: number): void {
  const next = new Set(marked.value);
  if (!next.delete(i)) next.add(i);
  marked.value = next;
}

/** The focus, drawn around a mark. */
function Ring({ at: [x, y], radius }: { at: Point; radius: number }) {
  const half = radius + 5;
  return (
    <span
      class="ring"
      style={{ left: `${x - half}px`, top: `${y - half}px`, width: `${2 * half}px`, height: `${2 * half}px` }}
    />
  );
}

/** A unit's name beside its mark, on the side that has room. */
function Tip({ name, at: [x, y], width }: { name: string; at: Point; width: number }) {
  const side = x > width / 2 ? { right: `${width - x + 12}px` } : { left: `${x + 12}px` };
  return (
    <span class="tip" style={{ ...side, top: `${y - 10}px` }}>
      {name}
    </span>
  );
}
