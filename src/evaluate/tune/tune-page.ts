import type { LooseRecipe } from "../../recipe/recipe.ts";
import { markdownTable } from "../markdown-table.ts";
import { isTie } from "../paired.ts";
import type { Trial } from "./trial.ts";
import type { TuneResult } from "./tune.ts";

/**
 * What a search found, as Markdown: the merges that no other one beats, what was chosen, and what it gained on rows that the search did
 * not see. Accuracies in per cent.
 *
 * @example
 * ```ts
 * import { parseTaskRows, tuneMerge, tunePage } from "lora-lego/evaluate";
 *
 * const lines = ["good", "bad", "fine"].map((word) => `{"prompt":"word : ${word}","choices":["yes","no"],"answer":"yes"}`);
 * const rows = parseTaskRows(lines.join("\n"), "words", "rows");
 * const found = await tuneMerge(["cola", "mnli"], { base: "model", rows, budget: 3, out: "found" });
 * console.log(tunePage(found).includes("| recommended |")); // true
 * ```
 */
export function tunePage({ recommended, tuned, front, trials, refused, unseen }: TuneResult): string {
  const tasks = Object.keys(recommended.tasks);
  const head = ["", ...tasks, "mean", "worst", "loss"];
  return [
    `Accuracy in % on the rows of the search, of ${trials} merges, and the loss that decides (docs/tune.md):`,
    "",
    markdownTable(head, [rowOf("recommended", recommended), rowOf("tuned", tuned)]),
    "",
    `The tuned merge: ${said(tuned.recipe)}.`,
    "",
    "Merges that no other one beats in mean and worst task both:",
    "",
    markdownTable(
      ["merge", "mean", "worst"],
      front.map((trial) => [said(trial.recipe), percent(trial.mean), percent(trial.worst)]),
    ),
    ...Object.entries(refused).map(([method, why]) => `\n${method} does not merge these adapters: ${why}`),
    "",
    ...(unseen === null
      ? ["No rows were left to check it on."]
      : [
          "On rows that the search did not see:",
          "",
          markdownTable(head, [rowOf("recommended", unseen.recommended), rowOf("tuned", unseen.tuned)]),
          "",
          gained(unseen.gain),
        ]),
    "",
  ].join("\n");
}

const percent = (share: number): string => (100 * share).toFixed(1);

function rowOf(name: string, { tasks, mean, worst, loss }: Trial): string[] {
  return [name, ...Object.values(tasks).map(percent), `**${percent(mean)}**`, percent(worst), loss.toFixed(3)];
}

/** A recipe in a few words. */
function said({ method, options = {}, target, scale, weights, moduleWeights }: LooseRecipe): string {
  const own = Object.values(options).map(String);
  return [
    [method, ...own].join(" "),
    ...(target?.kind === "rank" ? [`rank ${target.rank}`] : []),
    ...(scale === undefined ? [] : [`factor ${scale === "auto" ? "computed" : scale}`]),
    ...(weights === undefined ? [] : [`weights ${weights.join(", ")}`]),
    ...(moduleWeights === undefined ? [] : [`others in ${moduleWeights.length} groups of layers`]),
  ].join(", ");
}

function gained(gain: { readonly difference: number; readonly low: number; readonly high: number }): string {
  const points = (share: number): string => `${share < 0 ? "" : "+"}${(100 * share).toFixed(1)}`;
  const interval = `${points(gain.difference)} points of the mean accuracy (95% interval ${points(gain.low)} to ${points(gain.high)})`;
  if (isTie(gain)) return `Tuning changes ${interval}: these rows cannot tell it from the recommended merge.`;
  return gain.difference > 0 ? `Tuning gains ${interval}.` : `Tuning loses ${interval}; take the recommended merge.`;
}
