import type { AdapterModule } from "../adapter/adapter.ts";
import { isStreamed, type PoolMemory, poolMemory, type Room } from "../units/memory.ts";
import { type Method, type ModuleShape, type ModuleTarget, sumOfRanks, targetRank } from "./method.ts";
import type { ModuleRun } from "./run-module.ts";

/** The most units of a module's result: the method's units, cut to the target. */
export function mostUnits(
  method: Pick<Method, "fullRank">,
  target: ModuleTarget,
  shape: Omit<ModuleShape, "rank">,
): number {
  return Math.max(1, Math.min(method.fullRank(shape.ranks, shape), targetRank(target, sumOfRanks(shape.ranks))));
}

/** The units that a module's result is planned with: those of a merge in which every adapter changes it. */
export function plannedUnits(
  method: Pick<Method, "fullRank" | "plannedRank">,
  target: ModuleTarget,
  shape: Omit<ModuleShape, "rank">,
): number {
  const planned = method.plannedRank?.(shape.ranks, shape) ?? Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(planned, mostUnits(method, target, shape)));
}

/**
 * Kernel memory for merging a module: its pool, the method's result, and writing it. Several runs on one pool, one after the other, need
 * as much as the largest (`Pool.freely` frees the memory of each).
 *
 * @param modules one module of the adapters that have it
 * @param writing bytes for writing the result
 * @param streamed whether the matrices of all pairs are left out
 */
export function moduleMemory(
  modules: readonly AdapterModule[],
  runs: readonly Pick<ModuleRun, "method" | "target" | "after">[],
  writing: number,
  streamed: boolean = isStreamed(modules),
): PoolMemory {
  const { in: inputs, out } = modules[0]!;
  const shape = { in: inputs, out, ranks: modules.map(({ rank }) => rank) };
  const rooms = runs.map((run) => roomOf(run, shape, writing, streamed));
  return [{ units: 0, bytes: writing }, ...rooms]
    .map((room) => poolMemory(modules, room, streamed))
    .reduce((most, memory) => (memory.bytes > most.bytes ? memory : most));
}

function roomOf(
  { method, target, after }: Pick<ModuleRun, "method" | "target" | "after">,
  shape: Omit<ModuleShape, "rank">,
  writing: number,
  streamed: boolean,
): Room {
  const { yields, fullRank } = method;
  const scratchBytes = (streamed ? method.many?.scratchBytes : undefined) ?? method.scratchBytes;
  const rank = mostUnits(method, target, shape);
  // Methods with `scratchBytes` include uncut rows in it.
  const uncut = yields === "rows" && scratchBytes === undefined ? fullRank(shape.ranks, shape) : 0;
  // If a step changes rows that a method has written, they are written again.
  const rewritten = after === null ? 0 : rank;
  return { units: rank + uncut + rewritten, bytes: (scratchBytes?.({ ...shape, rank }) ?? 0) + writing };
}
