import { basename, dirname, join, resolve } from "node:path";
import { OutputError } from "../../core/errors.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../../formats/peft-folder/files.ts";
import { RECIPE_FILE } from "../../recipe/recipe-text.ts";
import { CARD_FILE } from "../../report/card.ts";
import { TOKENIZER_FILES } from "../../report/tokenizer-files.ts";
import { isWithin, realPath } from "../files/real-path.ts";
import { intoFile, type OutputOptions } from "./into-output.ts";
import { OF_ADAPTERS, OutputFile } from "./output-file.ts";

/** Where an output will be, links resolved. */
export interface OutputTarget {
  readonly path: string;
  readonly isFolder: boolean;
}

/** Where a report goes: into the output folder, under this name, or into a file elsewhere. */
export type ReportPlace = { readonly inside: string } | { readonly file: OutputFile };

const AS_REPORT = { flag: "--report", remade: true } as const;

/**
 * Check that a report may be written, changing nothing.
 *
 * @returns its name in the output folder; null if it is elsewhere
 * @throws OutputError when the report would replace something else
 */
export function checkReport(
  report: string,
  target: OutputTarget,
  inputs: readonly string[],
  force: boolean,
): string | null {
  const full = resolve(report);
  const path = join(realPath(dirname(full)), basename(full));
  const refuse = (why: string): never => {
    throw new OutputError(`The report ${report} ${why}; choose another --report.`);
  };
  if (!target.isFolder && path === target.path) refuse("is the output itself");
  if (!target.isFolder && isWithin(path, target.path)) refuse("lies in the output, which is a file");
  if (isWithin(target.path, path)) refuse("is a folder");
  if (dirname(path) === target.path) {
    const names = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE, ...TOKENIZER_FILES];
    if (names.includes(basename(path))) refuse("has the name of another file of the output");
    if (OF_ADAPTERS.test(path)) refuse("has a name as files of weights have it");
    return basename(path);
  }
  if (isWithin(path, target.path)) refuse("is in a subfolder of the output, which has no subfolders");
  OutputFile.check(report, { inputs, force, ...AS_REPORT });
  return null;
}

/** Write an output and, if requested, a report, which appears after the output or not at all. @throws as `checkReport` and `write` */
export async function withReport<T>(
  report: string | null,
  target: OutputTarget,
  inputs: readonly string[],
  options: OutputOptions,
  write: (place: ReportPlace | null) => Promise<T>,
): Promise<T> {
  if (report === null) return write(null);
  const { bytes: _, ...others } = options;
  const { force = false } = others;
  const inside = checkReport(report, target, inputs, force);
  if (inside !== null) return write({ inside });
  return intoFile(report, inputs, { ...others, ...AS_REPORT }, (file) => write({ file }));
}
