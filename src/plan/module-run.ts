import { methodById } from "../methods/registry.ts";
import type { ModuleRun } from "../methods/run-module.ts";
import { type MergePlan, usedInputs } from "./merge-plan.ts";

/** How a plan's modules are merged. */
export function moduleRun(plan: MergePlan): ModuleRun {
  const { method, options, target, after } = plan;
  const firstInput = Math.min(...usedInputs(plan));
  return { method: methodById(method), options, target, after, firstInput };
}
