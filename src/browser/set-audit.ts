import type { Adapter } from "../adapter/adapter.ts";
import { type Audit, auditOf } from "../analysis/audit/audit-set.ts";
import { lostInSum } from "../analysis/audit/set-findings.ts";
import type { SetTally } from "../analysis/audit/set-tally.ts";
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
}

/** The audit of adapters whose modules were read. */
export async function setAudit(kernels: Kernels, given: readonly Adapter[], tally: SetTally): Promise<SetAudit> {
  const audit = await auditOf(
    kernels,
    given,
    given.map(({ name }) => name),
    tally,
  );
  return { audit, lost: lostInSum(tally.adapters, tally.products).map(({ t }) => t) };
}
