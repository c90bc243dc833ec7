import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { refuseMisfits } from "../adapter/compatibility.ts";
import { isDora, withoutMagnitudes } from "../adapter/dora.ts";
import { MATRIX_KINDS, refuseKinds } from "../adapter/kinds.ts";
import { MERGED_VARIANTS, refuseVariants } from "../adapter/variants.ts";
import { UsageError } from "../core/errors.ts";
import { plural } from "../core/plural.ts";
import type { Method } from "../methods/method.ts";
import { extremeWeights } from "../recipe/check-weights.ts";
import type { FilledRecipe } from "../recipe/recipe-fields.ts";
import { atTargetRank } from "./at-target-rank.ts";
import type { PlannedModule } from "./merge-plan.ts";
import { underOneName } from "./one-name.ts";
import { refuseCancelled, type Selection, selectModules, weighted } from "./selection.ts";
import type { Warning } from "./warning.ts";

/** A module of the result: which inputs have it, and each input's weight in it. */
export type ModuleParts = Pick<PlannedModule, "name" | "parts" | "weights">;

/** What is merged with what. */
export interface MergeParts {
  /** All inputs in the user's order, with modules under the names of one transformers release. */
  readonly adapters: readonly Adapter[];
  /** One for each input, for modules without weights of their own. */
  readonly weights: readonly number[];
  readonly selection: Selection;
  /** The inputs that take part in the merge. */
  readonly used: readonly Adapter[];
  readonly modules: readonly ModuleParts[];
  /** The modules of all parts. */
  readonly sources: readonly AdapterModule[];
  readonly warnings: readonly Warning[];
}

/**
 * Decide which modules of which inputs are merged, and with which weights.
 *
 * @param weights one for each input, for modules without weights of their own
 * @throws UsageError for patterns that do not fit the adapters, RefusedError for adapters that do not fit each other
 */
export function planParts(
  given: readonly Adapter[],
  weights: readonly number[],
  recipe: FilledRecipe,
  method: Method,
): MergeParts {
  const counts = weighted(given, recipe, weights);
  const plain = recipe.dora === "drop" ? given.map(dropMagnitudes) : given;
  for (const adapter of plain.filter((_, t) => counts[t])) {
    if (recipe.dora === "bake" && isDora(adapter)) throw noBase(adapter);
    refuseVariants(adapter, MERGED_VARIANTS);
  }
  const { adapters, warnings } = underOneName(atTargetRank(plain, counts, recipe, method), counts);
  const selection = selectModules(adapters, recipe, weights);
  refuseCancelled(method, selection);
  refuseExtreme(method, selection);
  const used = adapters.filter((_, t) => selection.used[t]);
  for (const adapter of used) refuseKinds(adapter.name, adapter.modules.values(), MATRIX_KINDS, "a merge");
  refuseMisfits(used, recipe.allowPartial);
  const modules = selection.modules.map((module) => ({ ...module, parts: partsOf(module, adapters) }));
  const sources = modules.flatMap(({ parts }) => parts.map(({ module }) => module));
  return { adapters, weights, selection, used, modules, sources, warnings };
}

function dropMagnitudes(adapter: Adapter): Adapter {
  if (!isDora(adapter)) return adapter;
  const [first] = adapter.magnitudes.keys();
  const text = `The magnitudes of DoRA in ${plural(adapter.magnitudes.size, "module")} of ${adapter.name} (such as ${first}) are left out, so its deltas are not scaled as in training.`;
  return withoutMagnitudes(adapter, { id: "dora-dropped", text });
}

function noBase({ name }: Adapter): UsageError {
  return new UsageError(
    `${name} is a DoRA adapter, and its change can be extracted only where its base model is at hand; pass the folder of the base model as --base, or --dora drop to leave the magnitudes out.`,
  );
}

/** Refuse weights of a module that lie too far apart once they are multiplied by those of its block. */
function refuseExtreme({ id }: Method, { modules }: Selection): void {
  for (const { name, weights } of modules) {
    const why = extremeWeights(weights, id);
    if (why !== null) throw new UsageError(`${name}: ${why}`);
  }
}

function partsOf(
  { name, weights }: Selection["modules"][number],
  adapters: readonly Adapter[],
): PlannedModule["parts"] {
  return adapters.flatMap(({ modules }, input) => {
    const module = weights[input] === 0 ? undefined : modules.get(name);
    return module === undefined ? [] : [{ input, module }];
  });
}
