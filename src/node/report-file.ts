import { basename, dirname, join, resolve } from "node:path";
import { OutputError } from "../core/errors.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import { CARD_FILE } from "../merge/card.ts";
import { COMPANIONS } from "../merge/companions.ts";
import { RECIPE_FILE } from "../merge/recipe-text.ts";
import { OutputFile, type OutputFileOptions } from "./output-file.ts";
import type { OutputFolder } from "./output-folder.ts";
import { isWithin, realPath } from "./real-path.ts";

/** Where a report goes: into the output folder, by its name there, or into a file elsewhere. */
export type ReportPlace = { readonly inside: string } | { readonly file: OutputFile };

type ReportOptions = Omit<OutputFileOptions, "flag" | "remade">;
const AS_REPORT = { flag: "--report", remade: true } as const;

/**
 * Check that a report may be written, before anything is merged.
 *
 * @param target the output folder, links resolved
 * @returns its name in the output folder; null where it lies elsewhere
 * @throws OutputError when the report would take the place of something else
 */
export function checkReport(report: string, target: string, options: ReportOptions): string | null {
  const full = resolve(report);
  const path = join(realPath(dirname(full)), basename(full));
  const refuse = (why: string): never => {
    throw new OutputError(`The report ${report} ${why}; choose another --report.`);
  };
  if (isWithin(target, path)) refuse("is a folder");
  if (dirname(path) === target) {
    const names = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE, ...COMPANIONS];
    if (names.includes(basename(path))) refuse("has the name of another file of the output");
    return basename(path);
  }
  if (isWithin(path, target)) refuse("lies deeper in the output, which holds no folders");
  OutputFile.check(report, { ...options, ...AS_REPORT });
  return null;
}

/** Make room for a report, which appears together with its output. @throws as `checkReport` */
export function openReport(report: string, output: OutputFolder, options: ReportOptions): ReportPlace {
  const inside = checkReport(report, output.target, options);
  if (inside !== null) return { inside };
  const file = OutputFile.create(report, { ...options, ...AS_REPORT });
  output.attach(file);
  return { file };
}
