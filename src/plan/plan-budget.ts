import type { Consumer } from "../adapter/consumers.ts";
import type { Method, ModuleTarget, Target } from "../methods/method.ts";
import { mostUnits } from "../methods/module-memory.ts";
import { ranksWithin, type ScoredDirections } from "../methods/net-utility.ts";
import type { ModuleParts } from "./plan-parts.ts";

/** How many ranks a target allows all modules together; null if it is not a budget. */
export function budgetOf(target: Target, modules: number): number | null {
  return target.kind === "budget" ? target.rank * modules : null;
}

/**
 * What a target means for each module: a rank that cuts singular values is at most the matrix's own. A budget is shared out by net utility; before that is known, each module gets the most that it could.
 *
 * @param directions of each module, by its name; undefined while only headers are known
 * @returns a target for each module
 */
export function moduleTargets(
  modules: readonly ModuleParts[],
  method: Method,
  target: Target,
  consumer: Consumer | null,
  directions: ReadonlyMap<string, ScoredDirections> | undefined,
): readonly ModuleTarget[] {
  if (target.kind === "rank" && method.cut === "svd") {
    // Beyond the sizes of a matrix its singular values are zero.
    return modules.map(({ parts }) => {
      const { in: inputs, out } = parts[0]!.module;
      return { kind: "rank", rank: Math.min(target.rank, inputs, out) };
    });
  }
  if (target.kind !== "budget") return modules.map(() => target);
  const total = budgetOf(target, modules.length)!;
  const limit = consumer?.mostRank ?? Number.POSITIVE_INFINITY;
  const most = modules.map((module) => Math.min(limit, usableRank(module, method, directions?.get(module.name)?.span)));
  const ranks =
    directions === undefined
      ? most.map((own) => Math.min(own, total - modules.length + 1))
      : ranksWithin(
          modules.map(({ name }, i) => ({ scores: directions.get(name)!.scores, most: most[i]! })),
          total,
        );
  return ranks.map((rank) => ({ kind: "rank", rank }));
}

/** The most ranks that a module can use: the units of its adapters, as far as the method keeps them, or the rank of what they span. */
function usableRank({ parts }: ModuleParts, method: Method, span = Number.POSITIVE_INFINITY): number {
  const { in: inputs, out } = parts[0]!.module;
  const units = mostUnits(
    method,
    { kind: "share", share: 1 },
    { in: inputs, out, ranks: parts.map(({ module }) => module.rank) },
  );
  return method.cut === "svd" ? Math.min(units, inputs, out, span) : units;
}
