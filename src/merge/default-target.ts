import type { Consumer } from "../adapter/consumers.ts";
import { inputRanks, type Method, type Target } from "../methods/method.ts";

/**
 * The target of a merge whose recipe names none: the method's own, but no rank above the consumer's largest where the inputs' are not.
 *
 * @param ranks of each module's adapters
 */
export function defaultTarget(
  method: Method,
  consumer: Consumer | null,
  ranks: readonly (readonly number[])[],
): Target {
  const inputs = inputRanks(ranks);
  const target = method.defaultTarget(inputs);
  const most = consumer?.mostRank ?? null;
  if (target.kind !== "rank" || most === null || target.rank <= most) return target;
  return { kind: "rank", rank: Math.max(inputs.largest, most) };
}
