import type { Adapter } from "../adapter/adapter.ts";
import { CONSUMER_IDS, type ConsumerId, consumerById } from "../adapter/consumers.ts";
import { type Audit, auditOf } from "../analysis/audit/audit-set.ts";
import { lostInSum } from "../analysis/audit/set-findings.ts";
import type { SetTally } from "../analysis/audit/set-tally.ts";
import { checkOpened } from "../analysis/check.ts";
import { mendingCommand } from "../analysis/checks/mending-command.ts";
import { freeNamesFrom } from "../core/free-names.ts";
import type { Kernels } from "../kernels/kernels.ts";

// One chunk of the page: two would split what they share into many.
export { mergeTitle } from "./merge-title.ts";
export { programsFor, refuseUnheld } from "./programs.ts";
export { resultChecks, resultFile, resultLoading } from "./result.ts";

/** What `lora-lego audit` says of a set. */
export interface SetAudit {
  readonly audit: Audit;
  /** The positions of the adapters that the sum of all would lose. */
  readonly lost: readonly number[];
  /** For programs that load no files of an adapter's format: the command that converts the first such adapter, as `check` prints it. */
  readonly conversions: Conversions;
}

type Conversions = Readonly<Partial<Record<ConsumerId, string>>>;

/** The audit of adapters whose modules were read. */
export async function setAudit(kernels: Kernels, given: readonly Adapter[], tally: SetTally): Promise<SetAudit> {
  const audit = await auditOf(kernels, given, given.map(pathOf), tally);
  const lost = lostInSum(tally.adapters, tally.products).map(({ t }) => t);
  return { audit, lost, conversions: await conversionsOf(given) };
}

async function conversionsOf(given: readonly Adapter[]): Promise<Conversions> {
  const found: Partial<Record<ConsumerId, string>> = {};
  for (const id of CONSUMER_IDS) {
    const consumer = consumerById(id);
    const checks = given.map((adapter) => ({ adapter, findings: checkOpened(adapter, consumer).findings }));
    // A page merges, and so mends all else itself.
    const first = checks.find(({ findings }) => findings.some(({ level }) => level !== "note"));
    if (first === undefined || !first.findings.some(({ mend }) => mend?.to !== undefined)) continue;
    const { adapter, findings } = first;
    const free = freeNamesFrom(1, (path) => path === pathOf(adapter));
    const mended = await mendingCommand(adapter, consumer, findings, { path: pathOf(adapter) }, free);
    if (mended?.command != null) found[id] = mended.command;
  }
  return found;
}

/** What an adapter's folder is called, or its one file. */
function pathOf({ name, format, fileNames }: Adapter): string {
  return format === "peft" || format === "mlx" ? name : fileNames.weights;
}
