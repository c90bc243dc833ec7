import type { Consumer } from "../adapter/consumers.ts";
import { evenExperts } from "../adapter/experts.ts";
import { maximum } from "../core/maximum.ts";
import type { Method, ModuleTarget, Target } from "../methods/method.ts";
import { plannedUnits } from "../methods/module-memory.ts";
import type { ScoredDirections } from "../methods/net-utility.ts";
import { refuseUncut } from "../recipe/check-target.ts";
import type { RankLayout } from "../recipe/recipe.ts";
import { autoRank } from "./auto-rank.ts";
import { consumerRank } from "./for-consumer.ts";
import type { PlannedModule } from "./merge-plan.ts";
import { moduleTargets } from "./plan-budget.ts";
import type { MergeParts, ModuleParts } from "./plan-parts.ts";

/** What an earlier run of the same merge learned from values that headers do not show. */
export interface Findings {
  /** How many adapters change something, if fewer than the headers promise. */
  readonly acting?: number;
  /** The target if the recipe names none. */
  readonly target?: Target;
  /** The rank of each module, by name, if it is another than headers show. */
  readonly ranks?: ReadonlyMap<string, number>;
  /** The directions of each module, by name, for sharing out a budget. */
  readonly directions?: ReadonlyMap<string, ScoredDirections>;
}

/** A planned module that has no memory and no place in the output yet. */
export type RankedModule = Omit<PlannedModule, "a" | "b" | "expert" | "memory" | "held">;

/** The ranks that modules are written with. */
export interface RankPlan {
  readonly modules: readonly RankedModule[];
  /** The largest rank of a module before padding. */
  readonly most: number;
  /** The ranks of all modules together before padding. */
  readonly sum: number;
  /** The largest rank that is written, or that a uniform layout would write. */
  readonly rank: number;
  /** r of the config, which holds for modules that no pattern names. */
  readonly common: number;
  /** The scale that all inputs share, if it can be kept out of factors of these ranks; null if scales are folded in. */
  readonly sharedScale: number | null;
}

/** The rank asked for, or else the default. @throws UsageError for "full" if the method has no such rank */
export function planTarget(
  method: Method,
  asked: Target | undefined,
  { modules }: MergeParts,
  chosen: unknown,
  consumer: Consumer | null,
): Target {
  const target = asked ?? defaultTarget(method, modules, chosen, consumer);
  refuseUncut(method, target);
  return target;
}

/**
 * The target for adapters of these ranks if none is asked for: the method's own, or that of `--method auto`, which does not go beyond a
 * consumer's largest rank; a method that is named is refused there instead.
 *
 * @param modules the adapters' parts of each module
 * @param chosen null where the method was named
 */
export function defaultTarget(
  method: Method,
  modules: readonly Pick<PlannedModule, "parts">[],
  chosen: unknown,
  consumer: Consumer | null,
): Target {
  const ranks = modules.map(({ parts }) => parts.map(({ module }) => module.rank)).filter(({ length }) => length > 0);
  const largest = maximum(ranks.flat());
  if (chosen === null) return method.defaultTarget(largest, ranks);
  const most = method.cut === "clusters" ? largest : autoRank(method, modules);
  return method.defaultTarget(Math.min(most, consumer?.mostRank ?? Number.POSITIVE_INFINITY), ranks);
}

/**
 * Decide the rank of each module: first from the method and the target, then from the layout and the consumer.
 *
 * @throws RefusedError for a rank above the consumer's largest
 */
export function planRanks(
  parts: readonly ModuleParts[],
  method: Method,
  target: Target,
  layout: RankLayout,
  consumer: Consumer | null,
  { ranks, directions }: Findings,
): RankPlan {
  const targets = moduleTargets(parts, method, target, consumer, directions);
  const own = parts.map((module, i) => ownRank(module, method, targets[i]!, ranks?.get(module.name)));
  const most = maximum(own.map((module) => module.rank));
  const rank = consumerRank(consumer, most);
  const { modules, rank: expertRank } =
    layout === "uniform" ? { modules: own.map((module) => ({ ...module, rank })), rank: null } : evenExperts(own);
  const sum = own.reduce((all, module) => all + module.rank, 0);
  return { modules, most, sum, rank, common: expertRank ?? rank, sharedScale: sharedScale(modules) };
}

/** A module at the rank from method and target, or at the rank found in values. */
function ownRank(
  { name, parts, weights }: ModuleParts,
  method: Method,
  target: ModuleTarget,
  found: number | undefined,
): RankedModule {
  const ranks = parts.map(({ module }) => module.rank);
  const { kind, in: inputs, out, inputShape } = parts[0]!.module;
  const size = { in: inputs, out };
  const rank = Math.max(1, found ?? plannedUnits(method, target, { ...size, ranks }));
  const parameter = parts.map(({ module }) => module.parameter).find((own) => own !== undefined);
  return {
    name,
    kind,
    ...size,
    inputShape,
    parts,
    weights,
    target,
    rank,
    ...(parameter !== undefined && { parameter }),
  };
}

/** The scale that all parts share, if it can be written as a whole alpha at every rank; else null. */
function sharedScale(modules: readonly RankedModule[]): number | null {
  const [scale, ...others] = new Set(modules.flatMap(({ parts }) => parts.map(({ module }) => module.scale)));
  const whole = (alpha: number): boolean => Math.abs(alpha / Math.round(alpha) - 1) < 1e-12;
  return others.length === 0 && modules.every(({ rank }) => whole(scale! * rank)) ? scale! : null;
}
