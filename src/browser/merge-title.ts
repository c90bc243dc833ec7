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
  const words = recipeFlags(asked).map(({ words: [flag, ...value] }) => [flag!.replace(/^--/, ""), ...value].join(" "));
  if (weighted) words.push(weights.length > MOST_WEIGHTS ? "own weights" : `weights ${weights.join(" ")}`);
  const name = [`merged-${String(method)}-r${rank}`, ...words].join("-").replace(/[^\w.-]+/g, "-");
  return {
    title: [String(method), `rank ${rank}`, ...words].join(", "),
    name: name.slice(0, MOST_LETTERS).replace(/[-.]+$/, ""),
  };
}
