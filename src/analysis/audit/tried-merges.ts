import type { Adapter } from "../../adapter/adapter.ts";
import { LoraLegoError } from "../../core/errors.ts";
import { addProducts, type DeltaProducts, deltaProducts, noProducts, weightProducts } from "../../figures/delta.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { moduleMemory } from "../../methods/module-memory.ts";
import { type MethodRun, runModule } from "../../methods/run-module.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { methodRun } from "../../plan/module-run.ts";
import { makePlan } from "../../plan/plan.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import { moduleNames, readPool } from "../pools.ts";

/** What a merge would hold of its adapters, whose factor is left out: it changes nothing of what is held of one beside another. */
export interface TriedMerge {
  readonly products: DeltaProducts;
  /** The same with each adapter's delta times its weight in each module. */
  readonly weighted: DeltaProducts;
}

/** A merge that is tried, so far. */
interface Trial extends TriedMerge {
  readonly how: MethodRun;
  readonly modules: ReadonlyMap<string, MergePlan["modules"][number]>;
  products: DeltaProducts;
  weighted: DeltaProducts;
}

/**
 * Merge adapters in several ways without writing: each module is read once for all. Deterministic; all sums in f64.
 *
 * @param recipes that differ in weights, but not in which of them are 0, and in ranks
 * @returns null if a recipe refuses the adapters, or has a budget, which takes two looks at each module
 */
export async function triedMerges(
  kernels: Kernels,
  adapters: readonly Adapter[],
  recipes: readonly Recipe[],
): Promise<readonly TriedMerge[] | null> {
  const plans = recipes.flatMap((recipe) => planOrNull(adapters, recipe) ?? []);
  if (plans.length < recipes.length || plans.some(({ target }) => target.kind === "budget")) return null;
  const none = noProducts(adapters.length);
  const trials = plans.map((plan): Trial => {
    const modules = new Map(plan.modules.map((module) => [module.name, module]));
    return { how: methodRun(plan), modules, products: none, weighted: none };
  });
  for (const name of moduleNames(adapters)) await tryModule(kernels, adapters, name, trials);
  return trials;
}

async function tryModule(
  kernels: Kernels,
  adapters: readonly Adapter[],
  name: string,
  trials: readonly Trial[],
): Promise<void> {
  const merges = trials.flatMap((trial) => {
    const module = trial.modules.get(name);
    if (module === undefined) return [];
    return { trial, weights: module.weights, run: { ...trial.how, target: module.target } };
  });
  const [first] = merges;
  if (first === undefined) return;
  const runs = merges.map(({ run }) => run);
  const pool = await readPool(kernels, adapters, name, first.weights, (modules) => moduleMemory(modules, runs, 0));
  if (pool === null) return;
  for (const { trial, weights, run } of merges) {
    pool.reweighInPlace(weights);
    const held = await pool.freely(async () => {
      const { cut } = await runModule(pool, run, weights);
      return deltaProducts(pool, cut.products, adapters.length, 1);
    });
    trial.products = addProducts(trial.products, held);
    trial.weighted = addProducts(trial.weighted, weightProducts(held, weights));
  }
}

function planOrNull(adapters: readonly Adapter[], recipe: Recipe): MergePlan | null {
  try {
    return makePlan(adapters, recipe);
  } catch (error) {
    if (error instanceof LoraLegoError) return null;
    throw error;
  }
}
