import { effect, signal } from "@preact/signals";
import type { Program } from "../../src/browser/programs.ts";
import { idsOf, mergedIds, openNames } from "./adapters.ts";
import { baseConfig } from "./base-config.ts";
import { explorer } from "./explorer.ts";
import { Latest } from "./latest.ts";

/** Which programs load what is merged of the open adapters; null while that is not known. */
export const programs = signal<readonly Program[] | null>(null);

const asking = new Latest(() => {});

effect(() => {
  const ids = idsOf(mergedIds.value);
  // Reasons name adapters, and follow from the base model where its config is known.
  void [openNames.value, baseConfig.value];
  programs.value = null;
  if (ids.length === 0) return asking.cancel();
  void asking.ask(async ({ wait }) => {
    programs.value = await wait(explorer.programs(ids));
  });
});
