import { useSignal } from "@preact/signals";

/**
 * One tab stop for many marks: the arrow keys, Home and End move between them. Up and down stay in a mark's column (data-column), if it
 * has one.
 *
 * @param keys keys of the existing marks, in page order
 */
export function useRoving(keys: readonly string[]) {
  const last = useSignal<string | undefined>(undefined);
  const stop = last.value !== undefined && keys.includes(last.value) ? last.value : keys[0];
  return {
    /** Attributes of a mark. */
    mark: (key: string) => ({
      tabindex: key === stop ? 0 : -1,
      onFocus: () => {
        last.value = key;
      },
    }),
    /** For the element that contains the marks; it must contain nothing else with a tab index. */
    onKeyDown(event: KeyboardEvent & { readonly currentTarget: Element }): void {
      if (modified(event)) return;
      const marks = [...event.currentTarget.querySelectorAll<HTMLElement | SVGElement>("[tabindex]")];
      const at = marks.indexOf(document.activeElement as HTMLElement);
      const to = at < 0 ? undefined : goal(event.key, marks, at);
      if (to === undefined) return;
      event.preventDefault();
      to.focus();
    },
  };
}

/** Whether a key is part of one of the browser's own shortcuts. */
export function modified(event: KeyboardEvent): boolean {
  return event.altKey || event.ctrlKey || event.metaKey;
}

type Mark = HTMLElement | SVGElement;

function goal(key: string, marks: readonly Mark[], at: number): Mark | undefined {
  const { column } = marks[at]!.dataset;
  const same = (mark: Mark): boolean => mark.dataset.column === column;
  const [before, after] = [marks.slice(0, at), marks.slice(at + 1)];
  switch (key) {
    case "ArrowRight":
      return after[0];
    case "ArrowLeft":
      return before.at(-1);
    case "ArrowDown":
      return after.find(same);
    case "ArrowUp":
      return before.findLast(same);
    case "Home":
      return marks[0];
    case "End":
      return marks.at(-1);
    default:
      return undefined;
  }
}
