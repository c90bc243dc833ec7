import { methodById } from "../methods/registry.ts";
import type { MethodRun } from "../methods/run-module.ts";
import { type MergePlan, usedInputs } from "./merge-plan.ts";

/** How a plan's modules are merged, apart from their ranks. */
export function methodRun(plan: MergePlan): MethodRun {
  const { method, options, after } = plan;
  const firstInput = Math.min(...usedInputs(plan));
  return { method: methodById(method), options, after, firstInput };
}
