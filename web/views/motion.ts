import { useEffect, useRef, useState } from "preact/hooks";

/** How long a change takes to be drawn. */
const CHANGE_MS = 450;

/** Whether the reader asked for less motion. */
export function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** A value that changed, the one before it, and how far the change is drawn, 0 to 1; drawn anew in every frame until it is 1. */
export function useChange<Value>(value: Value): { readonly before: Value; readonly value: Value; readonly at: number } {
  const change = useRef({ before: value, now: value, begun: Number.NEGATIVE_INFINITY });
  const [, drawAgain] = useState(0);
  if (change.current.now !== value) {
    const begun = calm() ? Number.NEGATIVE_INFINITY : performance.now();
    change.current = { before: change.current.now, now: value, begun };
  }
  const { before, begun } = change.current;
  const share = Math.min(1, (performance.now() - begun) / CHANGE_MS);
  useEffect(() => {
    if (share === 1) return;
    const frame = requestAnimationFrame(() => drawAgain((count) => count + 1));
    return () => cancelAnimationFrame(frame);
  });
  return { before, value, at: share * share * (3 - 2 * share) };
}
