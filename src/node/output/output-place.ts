import { formOf } from "../../convert/forms.ts";
import { realPath } from "../files/real-path.ts";
import { intoFile, intoFolder, type OutputOptions } from "./into-output.ts";
import { OutputFile } from "./output-file.ts";
import { OutputFolder } from "./output-folder.ts";
import { checkReport, type OutputTarget, type ReportPlace, withReport } from "./report-file.ts";

/** An output that is being written: a folder, or one file. */
export type Output = OutputFolder | OutputFile;

/** How an output and its report are put in place. */
export interface PlaceOptions extends OutputOptions {
  /** Also write the report as JSON, to this file. */
  readonly report?: string;
}

/**
 * Write an output (its name decides between folder and file) and its report; each appears complete or not at all.
 *
 * @throws as `intoFolder` and `withReport`
 */
export function intoOutput<T>(
  out: string,
  inputs: readonly string[],
  { report, ...options }: PlaceOptions,
  write: (output: Output, place: ReportPlace | null) => Promise<T>,
): Promise<T> {
  const isFolder = formOf(out) === "folder";
  const target: OutputTarget = { path: realPath(out), isFolder };
  return withReport(report ?? null, target, inputs, options, (place) => {
    const whole = (output: Output): Promise<T> => {
      if (place !== null && "file" in place) output.accompany(place.file);
      return write(output, place);
    };
    return isFolder ? intoFolder(out, inputs, options, whole) : intoFile(out, inputs, options, whole);
  });
}

/** Check that an output and its report may be written, changing nothing. @throws OutputError as `intoOutput` */
export function checkOutput(out: string, inputs: readonly string[], { report, force = false }: PlaceOptions): void {
  const isFolder = formOf(out) === "folder";
  const path = isFolder ? OutputFolder.check(out, inputs, force) : OutputFile.check(out, { inputs, force });
  if (report !== undefined) checkReport(report, { path, isFolder }, inputs, force);
}
