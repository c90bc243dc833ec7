import { UsageError } from "../core/errors.ts";
import { ENERGY_RULES, type Method, type Target } from "../methods/method.ts";
import { shown } from "./check-options.ts";

const TARGETS: readonly string[] = ["rank", "share", "energy", "full", "budget"] satisfies Target["kind"][];

/** @throws UsageError for an unknown kind, and for a rank, share or threshold out of range */
export function checkTarget(target: Target): void {
  const kind: unknown = target?.kind ?? target;
  if (!TARGETS.includes(kind as string)) {
    throw new UsageError(`The recipe's target.kind is ${shown(kind)}, but must be one of ${TARGETS.join(", ")}.`);
  }
  if ((target.kind === "rank" || target.kind === "budget") && !(Number.isSafeInteger(target.rank) && target.rank > 0)) {
    const what = target.kind === "rank" ? "rank asked for" : "budget";
    throw new UsageError(`The ${what} is ${target.rank}, but must be a whole number above 0.`);
  }
  if (target.kind === "share" && !(target.share > 0 && target.share <= 1)) {
    throw new UsageError(`The share of units to keep is ${target.share}, but must be above 0 and at most 1.`);
  }
  if (target.kind === "energy") {
    const { rule, threshold } = target;
    if (!ENERGY_RULES.includes(rule)) {
      throw new UsageError(`The rule of the target is ${shown(rule)}, but must be one of ${ENERGY_RULES.join(", ")}.`);
    }
    const fits =
      rule === "sv_ratio" ? threshold >= 1 && threshold < Number.POSITIVE_INFINITY : threshold > 0 && threshold <= 1;
    if (fits) return;
    const range = rule === "sv_ratio" ? "a finite number of at least 1" : "above 0 and at most 1";
    throw new UsageError(`The threshold of ${rule} is ${threshold}, but must be ${range}.`);
  }
}

/** Refuse "full" for a method whose result has no rank of its own. */
export function refuseUncut({ id, needs }: Method, target: Target): void {
  if (!needs.cut || target.kind !== "full") return;
  throw new UsageError(`${id} makes dense deltas, which have no rank of their own; pass the rank to cut them to.`);
}
