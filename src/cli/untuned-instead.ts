import { plural } from "../core/plural.ts";
import { shellPath } from "../core/shell-word.ts";
import { isTie } from "../evaluate/paired.ts";
import type { TuneResult } from "../evaluate/tune/tune.ts";
import { freeNames } from "../node/output/free-name.ts";
import { recipeFlags } from "../recipe/recipe-flags.ts";
import { GGUF_FLAG } from "../report/fix-command.ts";
import type { NextStep } from "./page.ts";

/**
 * The recommended merge, where rows that the search did not see do not speak for the tuned one. Those rows choose nothing by themselves:
 * a merge that they chose would look better on them than it is.
 */
export function untunedInstead(
  adapters: readonly string[],
  out: string,
  { recommended, tuned, trials, unseen }: Pick<TuneResult, "recommended" | "tuned" | "trials" | "unseen">,
): NextStep[] {
  if (JSON.stringify(tuned.recipe) === JSON.stringify(recommended.recipe)) {
    const scored = plural(trials, "merge");
    return [
      {
        why: `This is the recommended merge itself: ${scored} scored, and none did better. A larger --budget tries more.`,
        how: null,
      },
    ];
  }
  if (unseen === null || (unseen.gain.difference > 0 && !isTie(unseen.gain))) return [];
  const worse = unseen.gain.difference < 0 && !isTie(unseen.gain);
  const flags = recipeFlags(recommended.recipe).flatMap(({ words }) => words);
  const words = [...adapters.map(shellPath), ...flags, ...(out.endsWith(".gguf") ? GGUF_FLAG.words : [])];
  return [
    {
      why: `The recommended merge is ${worse ? "better" : "as good, as far as they tell,"} on rows that the search did not see.`,
      how: `lora-lego merge ${words.join(" ")} --out ${shellPath(freeNames()(out))}`,
    },
  ];
}
