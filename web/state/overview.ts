import { computed, effect, signal } from "@preact/signals";
import { proxy } from "comlink";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import type { SetAudit } from "../../src/browser/set-audit.ts";
import { idsOf, openIds, openNames } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { intro } from "./intro.ts";
import { Latest, type Question } from "./latest.ts";

export const overview = signal<ReadonlyMap<string, ModuleOverview>>(new Map());
export const overviewTotal = signal(0);
export const overviewError = signal<string | null>(null);
/** What an audit says of the open adapters; null until all of their modules were read. */
export const audited = signal<SetAudit | null>(null);
/** The rank at which LEGO kept most of such adapters in what was measured; null while that is unknown. */
export const recommendedK = computed<number | null>(() => audited.value?.audit.recommendation?.lego?.rank ?? null);

/** Figures reach the page in groups, so that drawing keeps up with computing. */
const DRAW_EVERY_MS = 120;

const looking = new Latest((error) => {
  overviewError.value = sentenceOf(error);
});

/** Analyse all modules whenever the open adapters change; the first view draws one module alone. */
effect(() => {
  const ids = intro.value ? [] : idsOf(openIds.value);
  overview.value = new Map();
  overviewTotal.value = 0;
  overviewError.value = null;
  audited.value = null;
  if (ids.length > 0) return void looking.ask((question) => lookAt(ids, question));
  looking.cancel();
  void explorer.endOverview();
});

const naming = new Latest(() => {});
/** The names that the sentences of the audit say. */
let said = "";

/** What an audit says follows the adapters' names; nothing is read again for it. */
effect(() => {
  const names = openNames.value;
  if (audited.value === null || names === said) return naming.cancel();
  void naming.ask(async ({ wait }) => {
    const found = await wait(explorer.audit(idsOf(openIds.peek())));
    if (found === null) return;
    said = names;
    audited.value = found;
  });
});

async function lookAt(ids: readonly number[], question: Question): Promise<void> {
  const found = new Map<string, ModuleOverview>();
  const names = openNames.peek();
  let drawn = 0;
  const onModule = (module: ModuleOverview, of: number): void => {
    if (!question.current()) return;
    found.set(module.name, module);
    const now = performance.now();
    if (now - drawn < DRAW_EVERY_MS && found.size < of) return;
    drawn = now;
    overviewTotal.value = of;
    overview.value = new Map(found);
  };
  const all = await question.wait(explorer.overview(ids, proxy(onModule)));
  said = names;
  audited.value = all;
}
