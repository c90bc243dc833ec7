import { singleForm } from "../convert/forms.ts";
import { shellPath } from "../core/shell-word.ts";
import type { Method } from "../methods/method.ts";

/** The name of a report in the folder of the merge that it is about. */
export const REPORT_FILE = "report.json";

/** Where an audit of a result looks for the report of its merge: in its folder, or beside a single file, whose folder may hold others. */
export function reportBeside(out: string): string {
  return singleForm(out) !== null ? `${out}.${REPORT_FILE}` : `${out.replace(/[/\\]+$/, "")}/${REPORT_FILE}`;
}

/** The flag with which a merge writes what an audit of it needs besides the result: its clusters, which the report alone holds. */
export function reportFlag({ cut }: Pick<Method, "cut">, out: string): string[] {
  return cut === "clusters" ? ["--report", shellPath(reportBeside(out))] : [];
}
