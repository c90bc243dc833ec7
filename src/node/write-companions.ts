import { folderFiles, reportText } from "../merge/folder-files.ts";
import type { MergeOutcome } from "../merge/merge.ts";
import type { RecipeStep } from "../merge/recipe-file.ts";
import type { DiskAdapter } from "./adapter-path.ts";
import { folderReader } from "./folder-reader.ts";
import type { OutputFolder } from "./output-folder.ts";
import type { ReportPlace } from "./report-file.ts";

/** Write everything beside the weights; returns the outcome with what only the disk knew. */
export async function writeCompanions(
  output: OutputFolder,
  opened: readonly DiskAdapter[],
  merged: MergeOutcome,
  steps: readonly RecipeStep[],
  place: ReportPlace | null,
): Promise<MergeOutcome> {
  const used = opened.filter((_, t) => merged.plan.inputs[t]!.weight !== 0);
  const folders = used.flatMap(({ folder }) => (folder === null ? [] : [folderReader(folder)]));
  const inside = place !== null && "inside" in place ? place.inside : null;
  const { outcome, files } = await folderFiles(merged, steps, folders, inside);
  for (const { name, bytes } of files) output.write(name, bytes);
  if (place !== null && "file" in place) place.file.write(reportText(outcome.report));
  return outcome;
}
