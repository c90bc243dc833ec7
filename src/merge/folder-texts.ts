import { VERSION } from "../core/version.ts";
import { CARD_FILE, modelCard } from "./card.ts";
import type { MergeOutcome } from "./merge.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "./plan.ts";
import type { RecipeStep } from "./recipe-file.ts";
import { RECIPE_FILE, recipeText } from "./recipe-text.ts";

const RECIPE_COMMENT = `# How lora-lego ${VERSION} made this adapter. To make it again, where DIR holds the adapters:
# lora-lego run recipe.yaml --adapters DIR --out OUT
`;

/**
 * The text files of a merged adapter's folder, by name: config, recipe and model card.
 *
 * @param steps what the recipe says
 * @param others names of further files in the folder
 * @param datasets what the inputs' cards say they were trained on
 */
export function folderTexts(
  { plan, report }: MergeOutcome,
  steps: readonly RecipeStep[],
  others: readonly string[],
  datasets: readonly string[],
): Readonly<Record<string, string>> {
  const recipe = recipeText({ steps, out: null, report: null });
  const names = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE, ...others];
  return {
    [CONFIG_FILE]: `${JSON.stringify(plan.config, null, 2)}\n`,
    [RECIPE_FILE]: `${RECIPE_COMMENT}${recipe}`,
    [CARD_FILE]: modelCard(plan, report, names, recipe, datasets),
  };
}

/** A report as its file has it. */
export function reportText(report: MergeOutcome["report"]): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
