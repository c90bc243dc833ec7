import { type Signal, signal } from "@preact/signals";
import type { ResultChecks } from "../../src/browser/result.ts";
import type { Fix } from "../../src/plan/warning.ts";
import type { OpenAdapter } from "./adapters.ts";
import { explorer } from "./explorer.ts";
import type { MadeMerge } from "./merge.ts";

/** What is known of a result: null while it is being looked at, and "unknown" where nothing could be found out. */
export type Checks = ResultChecks | "unknown" | null;

const known = new WeakMap<MadeMerge, Signal<Checks>>();

/** What an audit finds in a result, looked for once. @param inputs the adapters that it was made of */
export function checksOf(made: MadeMerge, inputs: readonly OpenAdapter[] | null): Signal<Checks> | null {
  const own = known.get(made);
  if (own !== undefined || inputs === null) return own ?? null;
  const found = signal<Checks>(null);
  known.set(made, found);
  const { name, files, recipe, report } = made;
  const ids = inputs.map(({ card }) => card.id);
  explorer.check(ids, { name, files, recipe, report }).then(
    (checks) => {
      found.value = checks ?? "unknown";
    },
    () => {
      found.value = "unknown";
    },
  );
  return found;
}

/** The merge with the factor that the adapters ask for, where a result's is too small or too large; null if it is neither, or unknown. */
export function scaleFix(checks: Checks | undefined): Fix | null {
  if (checks === undefined || checks === null || checks === "unknown") return null;
  const wrong = checks.signatures.some(({ id, found }) => found === true && id.startsWith("scale-"));
  return (wrong && checks.fixes.find(({ method, scale }) => method === undefined && typeof scale === "number")) || null;
}
