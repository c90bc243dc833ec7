import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { VERSION } from "../core/version.ts";
import { CARD_FILE, modelCard } from "../merge/card.ts";
import type { MergeOutcome } from "../merge/merge.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../merge/plan.ts";
import type { RecipeStep } from "../merge/recipe-file.ts";
import { RECIPE_FILE, recipeText } from "../merge/recipe-text.ts";
import type { DiskAdapter } from "./adapter-path.ts";
import { cardDatasets } from "./card-datasets.ts";
import { sharedCompanions } from "./companions.ts";
import type { OutputFolder } from "./output-folder.ts";
import { type ReportPlace, writeReport } from "./report-file.ts";

const RECIPE_COMMENT = `# How lora-lego ${VERSION} made this adapter. To make it again, where DIR holds the adapters:
# lora-lego run recipe.yaml --adapters DIR --out OUT
`;

/** Write everything beside the weights; returns the outcome with what only the disk knew. */
export async function writeCompanions(
  output: OutputFolder,
  opened: readonly DiskAdapter[],
  { plan, report: bare }: MergeOutcome,
  steps: readonly RecipeStep[],
  place: ReportPlace | null,
): Promise<MergeOutcome> {
  const used = opened.filter((_, t) => plan.inputs[t]!.weight !== 0);
  const folders = used.flatMap(({ folder }) => folder ?? []);
  const { files, warnings } = sharedCompanions(folders);
  for (const { name, bytes } of files) writeFileSync(output.path(name), bytes);
  const report = {
    ...bare,
    carried: [...bare.carried, ...files.map(({ name }) => name)],
    warnings: [...bare.warnings, ...warnings],
  };
  const names = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE, ...files.map(({ name }) => name)];
  if (place !== null) {
    const text = `${JSON.stringify(report, null, 2)}\n`;
    if (place.inside) {
      names.push(basename(place.path));
      writeFileSync(output.path(basename(place.path)), text);
    } else writeReport(place, text);
  }
  writeFileSync(output.path(CONFIG_FILE), `${JSON.stringify(plan.config, null, 2)}\n`);
  const recipe = recipeText({ steps, out: null, report: null });
  writeFileSync(output.path(RECIPE_FILE), `${RECIPE_COMMENT}${recipe}`);
  writeFileSync(output.path(CARD_FILE), modelCard(plan, report, names, recipe, await cardDatasets(folders)));
  return { plan, report };
}
