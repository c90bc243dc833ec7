import { effect, signal } from "@preact/signals";
import { proxy } from "comlink";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import { idsOf, openIds } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";

export const overview = signal<ReadonlyMap<string, ModuleOverview>>(new Map());
export const overviewTotal = signal(0);
export const overviewError = signal<string | null>(null);

/** Figures are handed to the page in groups, so that drawing keeps up with computing. */
const DRAW_EVERY_MS = 120;

let run = 0;

/** Look at all modules whenever other adapters are open. */
effect(() => {
  const ids = idsOf(openIds.value);
  const own = ++run;
  overview.value = new Map();
  overviewTotal.value = 0;
  overviewError.value = null;
  if (ids.length > 0) void lookAt(ids, own);
  else void explorer.endOverview();
});

async function lookAt(ids: readonly number[], own: number): Promise<void> {
  const found = new Map<string, ModuleOverview>();
  let drawn = 0;
  const onModule = (module: ModuleOverview, of: number): void => {
    if (own !== run) return;
    found.set(module.name, module);
    const now = performance.now();
    if (now - drawn < DRAW_EVERY_MS && found.size < of) return;
    drawn = now;
    overviewTotal.value = of;
    overview.value = new Map(found);
  };
  try {
    await explorer.overview(ids, proxy(onModule));
  } catch (error) {
    if (own === run) overviewError.value = sentenceOf(error);
  }
}
