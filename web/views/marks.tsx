import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Point } from "../../src/analysis/hull.ts";
import { inOrder, putStamp, Stamps } from "./stamps.ts";
import type { View } from "./zoom.ts";

export interface MarksProps {
  /** Where the marks are before the picture is magnified. */
  readonly points: readonly Point[];
  /** The adapter of each. */
  readonly adapters: readonly number[];
  readonly view: View;
  readonly width: number;
  readonly height: number;
  /** In pixels. */
  readonly radius: number;
  /** Indices of the chosen marks. */
  readonly chosen: ReadonlySet<number>;
  readonly hovered: number | null;
}

/** The marks of units, at most once a frame; those that are chosen or hovered lie above the others. */
export function Marks(props: MarksProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const stamps = useStamps(canvas);
  useLayoutEffect(() => {
    const frame = requestAnimationFrame(() => paint(canvas.current!, stamps(), props));
    return () => cancelAnimationFrame(frame);
  });
  return <canvas ref={canvas} />;
}

/** Stamps in the page's colours, made anew when these change. */
function useStamps(canvas: { readonly current: Element | null }): () => Stamps {
  const changes = useSignal(0);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const change = (): void => {
      changes.value++;
    };
    dark.addEventListener("change", change);
    return () => dark.removeEventListener("change", change);
  }, []);
  return useMemo(() => {
    let made: Stamps | null = null;
    return () => {
      const style = made === null ? getComputedStyle(canvas.current!) : null;
      made ??= new Stamps(style!.getPropertyValue("--text"), style!.getPropertyValue("--ground"));
      return made;
    };
  }, [changes.value]);
}

function paint(canvas: HTMLCanvasElement, stamps: Stamps, of: MarksProps): void {
  const { points, adapters, view, chosen, hovered, width, height, radius } = of;
  const times = devicePixelRatio;
  const [w, h] = [Math.round(width * times), Math.round(height * times)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const image = new ImageData(w, h);
  const pixels = new Uint32Array(image.data.buffer);
  const { zoom, x: dx, y: dy } = view;
  for (const { look, places } of inOrder(points.length, chosen, hovered)) {
    const stampOf = stamps.of(look, times * radius);
    for (const i of places) {
      const point = points[i]!;
      const [px, py] = [Math.round(times * (zoom * point[0] + dx)), Math.round(times * (zoom * point[1] + dy))];
      putStamp(pixels, w, stampOf(adapters[i]!), px, py);
    }
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}
