import type { OutputDtype } from "../core/dtype.ts";
import { moduleMemory } from "../methods/module-memory.ts";
import type { MethodRun } from "../methods/run-module.ts";
import { writingBytes } from "../units/write-factors.ts";
import type { PlannedModule } from "./merge-plan.ts";
import type { RankedModule } from "./plan-ranks.ts";

/** Decide how each module's units are read, and how much memory merging and writing it takes. */
export function planMemory(
  modules: readonly RankedModule[],
  run: Pick<MethodRun, "method" | "after">,
  dtype: OutputDtype,
): Omit<PlannedModule, "a" | "b">[] {
  return modules.map((module) => {
    const inputs = module.parts.map((part) => part.module);
    return {
      ...module,
      memory: moduleMemory(inputs, [{ ...run, target: module.target }], writingBytes({ ...module, dtype })),
    };
  });
}
