import { type ConsumerId, consumerById } from "../adapter/consumers.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { recipeFlags } from "../recipe/recipe-flags.ts";
import type { MergeReport } from "../report/report.ts";

/** The most weights that a title has room for. */
const MOST_WEIGHTS = 8;
/** The most letters of a folder's name; file systems take 255 bytes, and programs add to it. */
const MOST_LETTERS = 120;

/**
 * A title and a folder's name for a merge: its method and rank, and whatever else was asked for that is not the default, so that results
 * of the same adapters can be told apart.
 */
export function mergeTitle(
  { options: { method }, totals: { rank }, inputs }: Pick<MergeReport, "options" | "totals" | "inputs">,
  { method: _, target: __, ...asked }: Recipe,
): { readonly title: string; readonly name: string } {
  const weights = inputs.map(({ weight }) => weight);
  const weighted = weights.some((weight) => weight !== 1);
  const flags = recipeFlags(asked).map(({ words: [flag, ...value] }) => [flag!.replace(/^--/, ""), ...value].join(" "));
  const own = weighted ? [weights.length > MOST_WEIGHTS ? "own weights" : `weights ${weights.join(" ")}`] : [];
  const name = [`merged-${String(method)}-r${rank}`, ...flags, ...own].join("-").replace(/[^\w.-]+/g, "-");
  // A title has the words of the page's form.
  const words = flags.map((flag) =>
    flag.replace(/^scale (?=\S)/, "factor ").replace(/^for (\S+)$/, (_, id) => `for ${titleOf(id)}`),
  );
  return {
    title: [String(method), `rank ${rank}`, ...words, ...own].join(", "),
    name: name.slice(0, MOST_LETTERS).replace(/[-.]+$/, ""),
  };
}

/** The title of a program; the recipe was carried out, so there is one. */
function titleOf(id: string): string {
  return consumerById(id as ConsumerId).title;
}
