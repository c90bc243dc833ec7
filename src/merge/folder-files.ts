import { printableJson } from "../core/printable.ts";
import { VERSION } from "../core/version.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import { CARD_FILE, modelCard } from "./card.ts";
import { cardDatasets } from "./card-datasets.ts";
import { type Companion, type FolderReader, sharedCompanions } from "./companions.ts";
import type { MergeOutcome } from "./merge.ts";
import type { RecipeStep } from "./recipe-file.ts";
import { RECIPE_FILE, recipeText } from "./recipe-text.ts";

const RECIPE_COMMENT = `# How lora-lego ${VERSION} made this adapter. To make it again, where DIR holds the adapters:
# lora-lego run recipe.yaml --adapters DIR --out OUT
`;

/**
 * The files of a merged adapter's folder beside the weights: config, recipe, model card, and what the inputs have alike; and the outcome with
 * what only their folders knew.
 *
 * @param steps what the recipe says
 * @param folders of the inputs that went in, but for those that are read from elsewhere by range
 * @param reportName name of a report that is to lie in the folder; null for none
 */
export async function folderFiles(
  { plan, report: bare }: MergeOutcome,
  steps: readonly RecipeStep[],
  folders: readonly FolderReader[],
  reportName: string | null,
): Promise<{ readonly outcome: MergeOutcome; readonly files: readonly Companion[] }> {
  const shared = await sharedCompanions(folders);
  const carried = shared.files.map(({ name }) => name);
  const report = {
    ...bare,
    carried: [...bare.carried, ...carried],
    warnings: [...bare.warnings, ...shared.warnings],
  };
  const recipe = recipeText({ steps, out: null, report: null });
  const names = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE, ...carried];
  if (reportName !== null) names.push(reportName);
  const texts = {
    ...(reportName !== null && { [reportName]: reportText(report) }),
    [CONFIG_FILE]: `${JSON.stringify(plan.config, null, 2)}\n`,
    [RECIPE_FILE]: `${RECIPE_COMMENT}${recipe}`,
    [CARD_FILE]: modelCard(plan, report, names, recipe, await cardDatasets(folders)),
  };
  const encoder = new TextEncoder();
  const files = Object.entries(texts).map(([name, text]) => ({ name, bytes: encoder.encode(text) }));
  return { outcome: { plan, report }, files: [...shared.files, ...files] };
}

/** A report as its file has it. */
export function reportText(report: MergeOutcome["report"]): string {
  return `${printableJson(report)}\n`;
}
