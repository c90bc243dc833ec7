import type { Adapter } from "../adapter/adapter.ts";
import { refuseMisfits } from "../adapter/compatibility.ts";
import { type Audit, auditOf } from "../analysis/audit/audit-set.ts";
import { lostInSum } from "../analysis/audit/set-findings.ts";
import type { SetTally } from "../analysis/audit/set-tally.ts";
import { RefusedError } from "../core/errors.ts";

/** What `lora-lego audit` says of a set, or why it cannot be merged. */
export type SetAudit =
  | {
      readonly audit: Audit;
      /** The positions of the adapters that the sum of all would lose. */
      readonly lost: readonly number[];
    }
  | { readonly refused: string };

/** The audit of adapters whose modules were read. */
export function setAudit(given: readonly Adapter[], tally: SetTally): SetAudit {
  try {
    refuseMisfits(tally.adapters, true, false);
    const audit = auditOf(
      given,
      given.map(({ name }) => name),
      tally,
    );
    return { audit, lost: lostInSum(audit.adapters, tally.products).map(({ t }) => t) };
  } catch (error) {
    if (error instanceof RefusedError) return { refused: error.message };
    throw error;
  }
}
