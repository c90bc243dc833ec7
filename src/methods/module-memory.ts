import type { AdapterModule } from "../adapter/adapter.ts";
import { type PoolMemory, poolMemory, type Room } from "../units/memory.ts";
import { type Method, type ModuleShape, sumOfRanks, type Target, targetRank } from "./method.ts";
import type { ModuleRun } from "./run-module.ts";

/** The most units that a module comes out with: what the method yields, cut to what the target asks for. */
export function mostUnits(method: Method, target: Target, shape: Omit<ModuleShape, "rank">): number {
  return Math.max(1, Math.min(method.fullRank(shape.ranks, shape), targetRank(target, sumOfRanks(shape.ranks))));
}

/**
 * Kernel memory that merging a module takes: its pool, what the method makes of it, and writing the result. Of several runs on one pool,
 * one after the other, what the largest takes (`Pool.freely` gives back what each took).
 *
 * @param modules one module of the adapters that have it
 * @param writing bytes that writing the result takes
 */
export function moduleMemory(
  modules: readonly AdapterModule[],
  runs: readonly Pick<ModuleRun, "method" | "target" | "after">[],
  writing: number,
): PoolMemory {
  const { in: inputs, out } = modules[0]!;
  const shape = { in: inputs, out, ranks: modules.map(({ rank }) => rank) };
  const rooms = runs.map((run) => roomOf(run, shape, writing));
  return [{ units: 0, bytes: writing }, ...rooms]
    .map((room) => poolMemory(modules, room))
    .reduce((most, memory) => (memory.bytes > most.bytes ? memory : most));
}

function roomOf(
  { method, target, after }: Pick<ModuleRun, "method" | "target" | "after">,
  shape: Omit<ModuleShape, "rank">,
  writing: number,
): Room {
  const { yields, fullRank, scratchBytes } = method;
  const rank = mostUnits(method, target, shape);
  // Methods that name their scratch count uncut rows among it.
  const uncut = yields === "rows" && scratchBytes === undefined ? fullRank(shape.ranks, shape) : 0;
  // Methods that have written their rows write them again where a step changes them.
  const rewritten = after === null ? 0 : rank;
  return { units: rank + uncut + rewritten, bytes: (scratchBytes?.({ ...shape, rank }) ?? 0) + writing };
}
