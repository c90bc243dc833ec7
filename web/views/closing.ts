import { useEffect } from "preact/hooks";
import { tab } from "../state/tabs.ts";

/** What opens over the page: cards of adapters, and menus. */
const OVER = ".chip details[open], details.over[open]";

const opened = (): HTMLDetailsElement[] => [...document.querySelectorAll<HTMLDetailsElement>(OVER)];

/** Lets open cards and menus be closed with Escape, by pressing anywhere else, or by going to another view. */
export function useClosing(): void {
  useEffect(() => {
    const press = ({ target }: Event): void => {
      for (const details of opened()) if (!details.contains(target as Node)) details.open = false;
    };
    const key = (event: KeyboardEvent): void => {
      const last = opened().at(-1);
      if (event.key !== "Escape" || last === undefined) return;
      last.open = false;
      last.querySelector("summary")!.focus();
    };
    document.addEventListener("pointerdown", press);
    document.addEventListener("keydown", key);
    const ending = tab.subscribe(() => {
      for (const details of opened()) details.open = false;
    });
    return () => {
      document.removeEventListener("pointerdown", press);
      document.removeEventListener("keydown", key);
      ending();
    };
  }, []);
}
