import type { FormatId } from "../convert/formats.ts";
import { printableJsonPieces } from "../core/printable.ts";
import { VERSION } from "../core/version.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import { configText } from "../formats/peft-folder/write-config.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { RecipeStep } from "../recipe/recipe-file.ts";
import { RECIPE_FILE, recipeText } from "../recipe/recipe-text.ts";
import { CARD_FILE, modelCard } from "../report/card.ts";
import { cardDatasets } from "../report/card-datasets.ts";
import { type FolderFile, type FolderReader, sharedTokenizerFiles } from "../report/tokenizer-files.ts";
import type { MergeOutcome } from "./merge.ts";

/** The command that makes the adapter again. @param more what a recipe does not name: the base model, or its config */
function recipeComment(more: string): string {
  return `# How lora-lego ${VERSION} made this adapter. To make it again, where DIR holds the adapters:
# lora-lego run recipe.yaml --adapters DIR --out OUT${more}
`;
}

/** The format that a merged adapter is written in: a PEFT folder, or another format. */
export interface MergedFormat {
  readonly id: FormatId;
  /** Names of the files that hold the tensors. */
  readonly weightsFile: string;
  readonly config: { readonly file: string; readonly fields: Readonly<Record<string, unknown>> } | null;
  /** Whether it was made with the base model's config. */
  readonly based: boolean;
}

/** The format that a merge writes by default. */
export function peftFolder(plan: MergePlan, based = false): MergedFormat {
  return { id: "peft", weightsFile: WEIGHTS_FILE, config: { file: CONFIG_FILE, fields: plan.config }, based };
}

/**
 * The files of a merged adapter's folder except the weights and a report: config, recipe, model card and files that all inputs share.
 * The returned outcome also reports what only the input folders show.
 *
 * @param format the format that the weights are written in
 * @param steps the steps of the recipe
 * @param folders of the inputs that were merged, except those that are read by range from elsewhere
 * @param reportName name of a report in the folder, which the card lists; null for none
 */
export async function folderFiles(
  { plan, report: bare }: MergeOutcome,
  { id, weightsFile, config, based }: MergedFormat,
  steps: readonly RecipeStep[],
  folders: readonly FolderReader[],
  reportName: string | null,
): Promise<{ readonly outcome: MergeOutcome; readonly files: readonly FolderFile[] }> {
  const shared = await sharedTokenizerFiles(folders);
  const carried = shared.files.map(({ name }) => name);
  const report = {
    ...bare,
    carried: [...bare.carried, ...carried],
    warnings: [...bare.warnings, ...shared.warnings],
  };
  const recipe = recipeText({ steps, out: null, to: id === "peft" ? null : id, report: null });
  const baked = steps.some((step) => step.recipe.dora === "bake");
  const names = [...(config === null ? [] : [config.file]), weightsFile, CARD_FILE, RECIPE_FILE, ...carried];
  if (reportName !== null) names.push(reportName);
  const texts = {
    ...(config !== null && { [config.file]: configText(config.fields) }),
    [RECIPE_FILE]: `${recipeComment(`${based ? " --base-config CONFIG" : ""}${baked ? " --base BASE" : ""}`)}${recipe}`,
    [CARD_FILE]: modelCard(plan, id, report, names, recipe, await cardDatasets(folders)),
  };
  const encoder = new TextEncoder();
  const files = Object.entries(texts).map(([name, text]) => ({ name, bytes: encoder.encode(text) }));
  return { outcome: { plan, report }, files: [...shared.files, ...files] };
}

/** A report as the text of its file, in pieces: that of hundreds of adapters has hundreds of megabytes. */
export function* reportText(report: MergeOutcome["report"]): Generator<string> {
  yield* printableJsonPieces(report);
  yield "\n";
}
