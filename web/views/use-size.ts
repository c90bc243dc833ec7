import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** The size of a box in CSS pixels, so that what is drawn in it keeps its size of letters; 0 by 0 before it is known. */
export function useSize<Box extends Element>(): { box: RefObject<Box | null>; width: number; height: number } {
  const box = useRef<Box>(null);
  const size = useSignal<readonly [number, number]>([0, 0]);
  useLayoutEffect(() => {
    const measure = (): void => {
      const { width, height } = box.current!.getBoundingClientRect();
      const next = [Math.round(width), Math.round(height)] as const;
      if (next.join() !== size.peek().join()) size.value = next;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    measure();
    return () => observer.disconnect();
  }, []);
  return { box, width: size.value[0], height: size.value[1] };
}
