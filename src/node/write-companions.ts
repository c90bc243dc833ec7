import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { folderTexts, reportText } from "../merge/folder-texts.ts";
import type { MergeOutcome } from "../merge/merge.ts";
import type { RecipeStep } from "../merge/recipe-file.ts";
import type { DiskAdapter } from "./adapter-path.ts";
import { cardDatasets } from "./card-datasets.ts";
import { sharedCompanions } from "./companions.ts";
import type { OutputFolder } from "./output-folder.ts";
import { type ReportPlace, writeReport } from "./report-file.ts";

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
  const others = files.map(({ name }) => name);
  if (place !== null) {
    const text = reportText(report);
    if (place.inside) {
      others.push(basename(place.path));
      writeFileSync(output.path(basename(place.path)), text);
    } else writeReport(place, text);
  }
  const texts = folderTexts({ plan, report }, steps, others, await cardDatasets(folders));
  for (const [name, text] of Object.entries(texts)) writeFileSync(output.path(name), text);
  return { plan, report };
}
