import { signal } from "@preact/signals";
import type { Fix } from "../../src/plan/warning.ts";
import type { ResultFix } from "../../src/report/fixes.ts";
import type { OpenAdapter } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { type Checks, type MadeMerge, merges } from "./merge.ts";

/** The results that are being looked at, by their files: all else of a result may change. */
const asked = new WeakSet<MadeMerge["files"]>();

/** Why the last look at a result failed, by its files: another look may find more, so nothing of it is kept with the result. */
export const failedLooks = signal<ReadonlyMap<MadeMerge["files"], string>>(new Map());

/** Look for what an audit finds in a result, once unless it fails, and keep it with the result. @param inputs the adapters that it was made of */
export function lookAt(
  { name, files, recipe, report, number, checks }: MadeMerge,
  inputs: readonly OpenAdapter[],
): void {
  if (checks !== null || asked.has(files)) return;
  asked.add(files);
  const failed = (why: string | null): void => {
    const others = [...failedLooks.value].filter(([own]) => own !== files);
    failedLooks.value = new Map(why === null ? others : [...others, [files, why]]);
  };
  failed(null);
  const found = (own: Checks): void => {
    merges.value = merges.value.map((made) => (made.number === number ? { ...made, checks: own } : made));
  };
  const ids = inputs.map(({ card }) => card.id);
  explorer.check(ids, { name, files, recipe, report }).then(
    (own) => found(own ?? { unknown: "a module has more units than are compared." }),
    (error: unknown) => {
      asked.delete(files);
      failed(sentenceOf(error));
    },
  );
}

/** The merge with the factor that the adapters ask for, where a result's is too small or too large; null if it is neither, or unknown. */
export function scaleFix({ checks }: MadeMerge): Fix | null {
  if (checks === null || "unknown" in checks) return null;
  const wrong = checks.signatures.some(({ id, found }) => found === true && id.startsWith("scale-"));
  const found = checks.fixes.find((fix): fix is Fix => "scale" in fix && !("method" in fix) && fix.scale !== "auto");
  return (wrong && found) || null;
}

/** Whether the merges to try next have to compute their factor, because that of the result is wrong and another merge asks for another one. */
export function asksForFactor({ checks }: MadeMerge): boolean {
  if (checks === null || "unknown" in checks) return false;
  return checks.fixes.some((fix) => "scale" in fix && fix.scale === "auto" && fix.method === undefined);
}

/** What the command line does with a result of which most ranks are idle; null where that was not found. */
export function resizeFix({ checks }: MadeMerge): ResultFix | null {
  if (checks === null || "unknown" in checks) return null;
  return checks.fixes.find((fix): fix is ResultFix => "energy" in fix) ?? null;
}
