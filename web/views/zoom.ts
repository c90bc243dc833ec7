import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Point } from "../../src/analysis/hull.ts";

const MOST = 40;
/** How much a picture is magnified, and how far it is moved after that, in pixels. */
export interface View {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

const WHOLE: View = { zoom: 1, x: 0, y: 0 };
/** A pointer that moves less than this clicks. */
const LEAST_DRAG_PX = 4;
const KEYS: Readonly<Record<string, number>> = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, _: 1 / 1.5 };

/** A picture's magnification and how far it is moved, by buttons, keys, a wheel with Ctrl, dragging and pinching. */
export function useZoom(width: number, height: number) {
  const view = useSignal<View>(WHOLE);
  const pointers = useRef(new Map<number, Point>());
  const dragged = useRef(false);
  const reset = (): void => {
    view.value = WHOLE;
  };
  /** Magnify about a point of the picture. */
  const by = (factor: number, [px, py]: Point = [width / 2, height / 2]): void => {
    const { zoom, x, y } = view.peek();
    const next = Math.min(MOST, Math.max(1, zoom * factor));
    const times = next / zoom;
    view.value = next === 1 ? WHOLE : { zoom: next, x: px - (px - x) * times, y: py - (py - y) * times };
  };
  /** Move the picture so that a point of it is in the middle, if it is outside. */
  const reveal = ([px, py]: Point): void => {
    if (px >= 0 && px <= width && py >= 0 && py <= height) return;
    const { zoom, x, y } = view.peek();
    view.value = { zoom, x: x + width / 2 - px, y: y + height / 2 - py };
  };
  const handlers = {
    onWheel(event: WheelEvent): void {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      by(Math.exp(-event.deltaY / 200), placeOf(event));
    },
    onPointerDown(event: PointerEvent): void {
      if (event.button !== 0) return;
      if (pointers.current.size === 0) dragged.current = false;
      pointers.current.set(event.pointerId, placeOf(event));
    },
    onPointerMove(event: PointerEvent): void {
      const from = pointers.current.get(event.pointerId);
      if (from === undefined) return;
      const to = placeOf(event);
      const [move, other] = [
        [to[0] - from[0], to[1] - from[1]] as const,
        [...pointers.current].find(([id]) => id !== event.pointerId),
      ];
      if (other !== undefined) {
        const apart = (at: Point): number => Math.hypot(at[0] - other[1][0], at[1] - other[1][1]);
        by(apart(to) / Math.max(1, apart(from)), other[1]);
      } else if (!dragged.current && Math.hypot(...move) < LEAST_DRAG_PX) return;
      else if (view.peek().zoom > 1) {
        const { zoom, x, y } = view.peek();
        view.value = { zoom, x: x + move[0], y: y + move[1] };
      }
      if (!dragged.current) (event.currentTarget as Element).setPointerCapture(event.pointerId);
      dragged.current = true;
      pointers.current.set(event.pointerId, to);
    },
    onPointerUp: ({ pointerId }: PointerEvent) => void pointers.current.delete(pointerId),
    onPointerCancel: ({ pointerId }: PointerEvent) => void pointers.current.delete(pointerId),
    /** A drag that ends on a mark chooses nothing. */
    onClickCapture(event: MouseEvent): void {
      if (dragged.current) event.stopPropagation();
      dragged.current = false;
    },
  };
  const onKey = (event: KeyboardEvent): void => {
    const factor = KEYS[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey || (factor === undefined && event.key !== "0")) return;
    event.preventDefault();
    if (factor === undefined) reset();
    else by(factor);
  };
  return { view: view.value, by, reset, reveal, handlers, onKey };
}

/** Where a pointer is in the element that listens to it. */
export function placeOf(event: MouseEvent): Point {
  const { left, top } = (event.currentTarget as Element).getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}
