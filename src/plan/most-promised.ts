import { maximum } from "../core/maximum.ts";
import type { Method } from "../methods/method.ts";
import { plannedUnits } from "../methods/module-memory.ts";
import type { RankPlan } from "./plan-ranks.ts";

/** The largest rank that a module's result has before units of zeros are added, as far as headers promise it. */
export function mostPromised({ modules }: Pick<RankPlan, "modules">, method: Method): number {
  return maximum(
    modules.map(({ target, in: inputs, out, parts }) =>
      plannedUnits(method, target, { in: inputs, out, ranks: parts.map(({ module }) => module.rank) }),
    ),
  );
}
