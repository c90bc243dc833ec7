import { bytesOf, type OutputDtype } from "../core/dtype.ts";
import { moduleMemory } from "../methods/module-memory.ts";
import type { MethodRun } from "../methods/run-module.ts";
import { MAX_HELD_BYTES } from "../units/held-tensors.ts";
import { writingBytes } from "../units/write-factors.ts";
import type { PlannedModule } from "./merge-plan.ts";
import type { RankedModule } from "./plan-ranks.ts";

/** A planned module that has no place in the output yet. */
export type UnplacedModule = Omit<PlannedModule, "a" | "b" | "expert">;

/** Decide how each module's units are read, and how much memory merging and writing it takes. */
export function planMemory(
  modules: readonly RankedModule[],
  run: Pick<MethodRun, "method" | "after">,
  dtype: OutputDtype,
): UnplacedModule[] {
  return modules.map((module) => {
    const inputs = module.parts.map((part) => part.module);
    return {
      ...module,
      memory: moduleMemory(inputs, [{ ...run, target: module.target }], writingBytes({ ...module, dtype })),
      held: heldBytes(module, dtype),
    };
  });
}

/** Bytes of the tensors B that all experts of a module's parameter share: those of the inputs, as far as they are kept, and the output's. */
function heldBytes({ parameter, parts, out, rank }: RankedModule, dtype: OutputDtype): number {
  if (parameter === undefined || parameter.experts === 1) return 0;
  const stored = parts.reduce((sum, { module: { b } }) => sum + ("strides" in b ? b.end - b.begin : 0), 0);
  return Math.min(stored, MAX_HELD_BYTES) + bytesOf(dtype) * out * rank * parameter.experts;
}
