import { expertGap, stackedModules } from "../adapter/experts.ts";
import { maximum } from "../core/maximum.ts";
import type { Warning } from "./warning.ts";

/**
 * Give experts and their routers one rank, the largest that one of them comes to: the others are padded with zero units, which changes no
 * delta, where cutting the larger ones would.
 *
 * @returns the modules with their ranks, and that rank; null where there are no experts
 */
export function evenExperts<M extends { readonly name: string; readonly rank: number }>(
  modules: readonly M[],
): { readonly modules: readonly M[]; readonly rank: number | null } {
  const stacked = stackedModules(modules.map(({ name }) => name));
  if (stacked.size === 0) return { modules, rank: null };
  const rank = maximum(modules.filter(({ name }) => stacked.has(name)).map((module) => module.rank));
  return { modules: modules.map((module) => (stacked.has(module.name) ? { ...module, rank } : module)), rank };
}

/** Say that experts lack a projection without which they are not found. */
export function expertsIncomplete(modules: readonly { readonly name: string }[]): Warning[] {
  const gap = expertGap(modules.map(({ name }) => name));
  if (gap === null) return [];
  const text = `The experts of ${gap.layer} have no ${gap.lacks}; PEFT under transformers 5 stacks all three projections of a layer and does not load the others then.`;
  return [{ id: "experts-incomplete", text }];
}
