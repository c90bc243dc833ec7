import { existsSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { OutputError } from "../core/errors.ts";
import { CARD_FILE } from "../merge/card.ts";
import { COMPANIONS } from "../merge/companions.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../merge/plan.ts";
import { RECIPE_FILE } from "../merge/recipe-text.ts";
import { makeFolder } from "./make-folder.ts";
import { isWithin, realPath } from "./real-path.ts";

/** Where a report goes: a file of the output folder, or one elsewhere. */
export interface ReportPlace {
  readonly inside: boolean;
  /** Links resolved, but for the file's own. */
  readonly path: string;
}

/**
 * Find out where a report goes, before anything is merged.
 *
 * @param target the output folder, links resolved
 * @param inputs folders and files of the inputs: none is written into
 * @throws OutputError when the report would take the place of something else
 */
export function placeReport(report: string, target: string, inputs: readonly string[]): ReportPlace {
  const full = resolve(report);
  const path = join(realPath(dirname(full)), basename(full));
  const inside = dirname(path) === target;
  const names = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, RECIPE_FILE, ...COMPANIONS];
  const refuse = (why: string): never => {
    throw new OutputError(`The report ${report} ${why}; choose another --report.`);
  };
  if (inside && names.includes(basename(path))) refuse("has the name of another file of the output");
  if (!inside && isWithin(path, target)) refuse("lies deeper in the output, which holds no folders");
  const stat = statSync(path, { throwIfNoEntry: false });
  if (isWithin(target, path) || stat?.isDirectory()) refuse("is a folder");
  // A device or pipe would be replaced by a file; --json prints the report on stdout.
  if (stat !== undefined && !stat.isFile()) refuse("is no plain file (for stdout use --json)");
  const input = inputs.find((candidate) => isWithin(path, realpathSync(candidate)));
  if (input !== undefined) refuse(`lies in the input ${input}`);
  return { inside, path };
}

/** Write a report that lies elsewhere than in the output folder, complete or not at all. */
export function writeReport({ path }: ReportPlace, text: string): void {
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
