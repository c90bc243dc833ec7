import type { Adapter } from "../../adapter/adapter.ts";
import { LoraLegoError } from "../../core/errors.ts";
import { addProducts, type DeltaProducts, deltaProducts, noProducts, weightProducts } from "../../figures/delta.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { moduleMemory } from "../../methods/module-memory.ts";
import { runModule } from "../../methods/run-module.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { methodRun } from "../../plan/module-run.ts";
import { makePlan } from "../../plan/plan.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import { readPool } from "../pools.ts";

/** What a merge would hold of its adapters, whose factor is left out: it changes nothing of what is held of one beside another. */
export interface TriedMerge {
  readonly products: DeltaProducts;
  /** The same with each adapter's delta times its weight in each module. */
  readonly weighted: DeltaProducts;
}

/**
 * Merge adapters without writing. Deterministic; all sums in f64.
 *
 * @returns null if the recipe refuses the adapters, or has a budget, which takes two looks at each module
 */
export async function triedMerge(
  kernels: Kernels,
  adapters: readonly Adapter[],
  recipe: Recipe,
): Promise<TriedMerge | null> {
  const plan = planOrNull(adapters, recipe);
  if (plan === null || plan.target.kind === "budget") return null;
  const how = methodRun(plan);
  let products = noProducts(adapters.length);
  let weighted = noProducts(adapters.length);
  for (const { name, target, weights } of plan.modules) {
    const run = { ...how, target };
    const pool = await readPool(kernels, adapters, name, weights, (modules) => moduleMemory(modules, [run], 0));
    if (pool === null) continue;
    const { cut } = await runModule(pool, run, weights);
    const module = deltaProducts(pool, cut.products, adapters.length, 1);
    products = addProducts(products, module);
    weighted = addProducts(weighted, weightProducts(module, weights));
  }
  return { products, weighted };
}

function planOrNull(adapters: readonly Adapter[], recipe: Recipe): MergePlan | null {
  try {
    return makePlan(adapters, recipe);
  } catch (error) {
    if (error instanceof LoraLegoError) return null;
    throw error;
  }
}
