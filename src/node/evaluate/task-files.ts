import { basename, extname } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { parseGlue } from "../../evaluate/glue.ts";
import { firstOfEach, parseTaskRows, type TaskRow } from "../../evaluate/task-rows.ts";
import { type Call, checkCall } from "../call/check-call.ts";
import { COUNT, PATHS, TEXT } from "../call/rules.ts";
import { LARGE_TEXT_BYTES, readText } from "../files/read-text.ts";
import { refuseNothing } from "../files/refuse-nothing.ts";

/** How files of rows are read. */
export interface TaskFileOptions {
  /** The GLUE task of tab-separated files; without it they are refused. */
  readonly glue?: string;
  /** Use only the first `limit` rows of each task. */
  readonly limit?: number;
}

const READ: Call<TaskFileOptions> = {
  name: "readTaskFiles",
  takes: { paths: PATHS },
  options: { glue: TEXT, limit: COUNT },
};

/**
 * The rows of JSON Lines and GLUE files, file by file. Rows that do not name their task get the file's name.
 *
 * @throws UsageError for a tab-separated file of an unknown task; FormatError that names a line that is not a row
 * @example
 * ```ts
 * import { readTaskFiles } from "lora-lego/evaluate";
 * import { writeFile } from "node:fs/promises";
 *
 * await writeFile("colours.jsonl", '{"prompt":"grass","choices":["green","red"],"answer":0}\n');
 * console.log(readTaskFiles(["colours.jsonl"])[0]?.task); // colours
 * ```
 */
export function readTaskFiles(paths: readonly string[], options: TaskFileOptions = {}): TaskRow[] {
  checkCall(READ, [paths, options]);
  const { glue, limit } = options;
  const rows = paths.flatMap((path) => {
    refuseNothing(path, "file of rows", "JSON Lines or a GLUE .tsv");
    const text = readText(path, { most: LARGE_TEXT_BYTES, pipes: true });
    if (extname(path) !== ".tsv") return parseTaskRows(text, basename(path, extname(path)), basename(path));
    if (glue !== undefined) return parseGlue(text, glue, basename(path));
    throw new UsageError(
      `${path} is tab-separated, but its GLUE task is not known; pass --glue (rte, wnli, mrpc ...) to lora-lego eval, or write JSON Lines.`,
    );
  });
  return limit === undefined ? rows : firstOfEach(rows, limit);
}
