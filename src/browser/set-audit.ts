import type { Adapter } from "../adapter/adapter.ts";
import { openAdapter } from "../adapter/open.ts";
import { isPath } from "../adapter/same-base.ts";
import { type Audit, auditOf } from "../analysis/audit/audit-set.ts";
import { lostInSum } from "../analysis/audit/set-findings.ts";
import type { SetTally } from "../analysis/audit/set-tally.ts";
import { type LoadingLine, linesFor } from "../analysis/loading-lines.ts";
import { WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { handedFolder } from "./handed-files.ts";

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

/** How programs load a merged folder of this name. */
export async function resultLines(
  name: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<readonly LoadingLine[]> {
  const handed = Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, { bytes }]));
  const adapter = await openAdapter(handedFolder({ name, files: handed, folders: [] }));
  const { baseModel } = adapter;
  const base = baseModel === null || isPath(baseModel) ? null : baseModel;
  return linesFor(adapter, { path: name, weights: `${name}/${WEIGHTS_FILE}`, name, base });
}
