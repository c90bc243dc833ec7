import type { Adapter } from "../adapter/adapter.ts";
import type { OutputDtype } from "../core/dtype.ts";
import { RefusedError } from "../core/errors.ts";
import { plural } from "../core/plural.ts";
import { orderlessSum } from "../core/sum.ts";
import { biasKey, PEFT_PREFIX } from "../formats/peft-folder/keys.ts";
import { deltaWeights } from "../methods/delta-weights.ts";
import type { Method } from "../methods/method.ts";
import { METHODS } from "../methods/registry.ts";
import type { FilledRecipe } from "../recipe/recipe-fields.ts";
import type { ExtrasPlan } from "./extras.ts";
import type { PlannedExtra } from "./merge-plan.ts";
import type { MergeParts, ModuleParts } from "./plan-parts.ts";

/** What decides how biases are merged. */
interface Way {
  readonly method: Method;
  readonly dtype: OutputDtype;
  /** The scale that the result's modules have; 1 where scales are folded in. */
  readonly scale: number;
}

/**
 * Merge biases next to B (lora_bias) as the deltas that they are part of: the same weights, scales and factor. So they need a method that
 * adds deltas up, or a single adapter. The policy "drop" leaves them out.
 *
 * @throws RefusedError for other methods, and where only some adapters have biases
 */
export function planBiases(
  { used, modules }: MergeParts,
  { extras: policy, after }: FilledRecipe,
  { method, dtype, scale }: Way,
): ExtrasPlan {
  const biased = modules.filter(({ parts }) => parts.some(({ module }) => module.bias !== undefined));
  const [first] = biased;
  if (first === undefined) return { extras: [], skipped: [], warnings: [] };
  if (policy === "drop") {
    const skipped = biased.flatMap(({ parts }) =>
      parts.flatMap(({ input, module: { bias } }) => (bias === undefined ? [] : [{ input, tensor: bias.name }])),
    );
    const text = `The biases next to B of ${plural(biased.length, "module")} (such as ${first.name}) are left out, and with them their effect.`;
    return { extras: [], skipped, warnings: [{ id: "extras-dropped", text }] };
  }
  refuseSome(used, modules);
  const exact = method.addsDeltas === true || (used.length === 1 && method.resizes !== undefined);
  if (!exact || after !== undefined) throw refusal(used, exact ? `the step ${after}` : method.id);
  return {
    extras: biased.map((module): PlannedExtra => {
      const shares = sharesOf(method, module.weights);
      const sources = module.parts.map(({ input, module: { bias, scale: own } }) => {
        return { input, tensor: bias!, share: (shares[input]! * own) / scale };
      });
      const { out } = module.parts[0]!.module;
      const key = PEFT_PREFIX + biasKey(module.name);
      return { key, dtype, shape: [out], parts: [sources], scaled: true, begin: 0, end: 0 };
    }),
    skipped: [],
    warnings: [],
  };
}

/** Refuse adapters of which some have no biases, in all modules or in one. */
function refuseSome(used: readonly Adapter[], modules: readonly ModuleParts[]): void {
  const isBiased = ({ modules: own }: Adapter): boolean => [...own.values()].some(({ bias }) => bias !== undefined);
  const holder = used.find(isBiased)!;
  const other = used.find((adapter) => !isBiased(adapter));
  if (other !== undefined) {
    throw new RefusedError(
      `${holder.name} trains biases next to B (lora_bias) and ${other.name} does not; merge adapters that all do, or pass --extras drop, which leaves the biases out.`,
    );
  }
  for (const { name, parts } of modules) {
    if (parts.every(({ module }) => module.bias !== undefined)) continue;
    throw new RefusedError(
      `${name} has a bias next to B (lora_bias) in some adapters and none in others; save the adapters again with a bias for every module, or pass --extras drop, which leaves the biases out.`,
    );
  }
}

function refusal(used: readonly Adapter[], what: string): RefusedError {
  const others = METHODS.filter(({ addsDeltas }) => addsDeltas).map(({ id }) => id);
  const names = used.map(({ name }) => name).join(", ");
  return new RefusedError(
    `${names}: ${what} does more than add deltas, so it has no rule for biases next to B (lora_bias); use --method ${others.join(", ")}, or pass --extras drop, which leaves the biases out.`,
  );
}

/** The factor of each input's delta in a module. */
function sharesOf(method: Method, weights: readonly number[]): readonly number[] {
  if (!(method.addsDeltas && method.needs.weightSum)) return deltaWeights(method, weights);
  const total = orderlessSum(weights);
  return weights.map((weight) => weight / total);
}

/**
 * Refuse adapters whose biases next to B belong to weights that are stacked, because another adapter has them whole.
 *
 * @param stacked the same adapters under the merge's names
 */
export function refuseLostBiases(given: readonly Adapter[], stacked: readonly Adapter[]): void {
  for (const [t, { name, modules }] of given.entries()) {
    const kept = new Set([...stacked[t]!.modules.values()].map(({ bias }) => bias));
    const lost = [...modules.values()].find(({ bias }) => bias !== undefined && !kept.has(bias));
    if (lost === undefined) continue;
    throw new RefusedError(
      `${name}: ${lost.name} has a bias next to B (lora_bias), and another adapter has the weight that it is part of whole; merge adapters that divide it alike.`,
    );
  }
}
