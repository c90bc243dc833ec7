import type { Adapter } from "../adapter/adapter.ts";
import { commonDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { listed } from "../core/listed.ts";
import { formatShape } from "../core/shape.ts";
import { orderlessSum } from "../core/sum.ts";
import { withoutPeftPrefix } from "../formats/peft-folder/keys.ts";
import type { ExtrasPolicy } from "../recipe/recipe.ts";
import type { ExtraSource, PlannedExtra } from "./merge-plan.ts";
import type { MergeParts } from "./plan-parts.ts";
import type { Warning } from "./warning.ts";

const NO_WEIGHT = "The weights sum to 0, so extras have no average";

/** What becomes of tensors besides the factors. */
export interface ExtrasPlan {
  readonly extras: readonly PlannedExtra[];
  readonly skipped: readonly { readonly input: number; readonly tensor: string }[];
  readonly warnings: readonly Warning[];
}

/**
 * Decide what happens to heads, biases and modules_to_save. A single input keeps its own unless the policy is drop; several inputs
 * need a policy.
 *
 * @throws RefusedError for policy "error" if there are extras, and for "average" if they cannot be averaged
 */
export function planExtras({ adapters, weights, selection }: MergeParts, policy: ExtrasPolicy): ExtrasPlan {
  const used = [...adapters.keys()].filter((t) => selection.used[t] && weights[t] !== 0);
  const holders = new Map<string, number[]>();
  for (const t of used)
    for (const key of adapters[t]!.extras.keys()) holders.set(key, [...(holders.get(key) ?? []), t]);
  const copy = (key: string, input: number): PlannedExtra => {
    const tensor = adapters[input]!.extras.get(key)!;
    return {
      key,
      dtype: tensor.dtype,
      shape: tensor.shape,
      parts: [[{ input, tensor, share: 1 }]],
      scaled: false,
      begin: 0,
      end: 0,
    };
  };
  if (holders.size === 0) return { extras: [], skipped: [], warnings: [] };
  if (policy !== "drop" && (used.length === 1 || policy === "first")) {
    return { extras: Array.from(holders, ([key, [first]]) => copy(key, first!)), ...notFirst(adapters, holders) };
  }
  if (policy === "drop") {
    const skipped = [...holders].flatMap(([tensor, inputs]) => inputs.map((input) => ({ input, tensor })));
    const text = `${holders.size === 1 ? "One tensor that is not a LoRA factor is" : `${holders.size} tensors that are not LoRA factors are`} left out (${example([...holders.keys()])}), and with ${holders.size === 1 ? "it what it was" : "them what they were"} trained for.`;
    return { extras: [], skipped, warnings: [{ id: "extras-dropped", text }] };
  }
  const average = averaged(adapters, weights, used, holders);
  const ways = `choose --extras drop${typeof average === "string" ? " or first" : ", first or average"}`;
  if (policy === "error") {
    const who = [...new Set([...holders.values()].flat())].map((t) => adapters[t]!.name);
    const what =
      holders.size === 1 ? "a tensor that is not a LoRA factor" : `${holders.size} tensors that are not LoRA factors`;
    throw new RefusedError(
      `${who.join(", ")} ${who.length === 1 ? "holds" : "hold"} ${what} (${example([...holders.keys()])}); ${ways}.`,
    );
  }
  if (average === NO_WEIGHT) throw new UsageError(`${average}; ${ways}.`);
  if (typeof average === "string") throw new RefusedError(`${average}; ${ways}.`);
  return { extras: average, skipped: [], warnings: [] };
}

/** What is not written where the first adapter's tensors are taken: those that others have under the same keys. */
function notFirst(
  adapters: readonly Adapter[],
  holders: ReadonlyMap<string, readonly number[]>,
): Pick<ExtrasPlan, "skipped" | "warnings"> {
  const skipped = [...holders].flatMap(([tensor, [, ...others]]) => others.map((input) => ({ input, tensor })));
  const groups = new Map<string, string[]>();
  for (const [key, inputs] of holders) {
    if (inputs.length > 1) groups.set(inputs.join(), [...(groups.get(inputs.join()) ?? []), key]);
  }
  const warnings = Array.from(groups, ([inputs, keys]): Warning => {
    const [first, ...others] = inputs.split(",").map((t) => adapters[Number(t)]!.name);
    const what =
      keys.length === 1 ? "One tensor that is not a LoRA factor" : `${keys.length} tensors that are not LoRA factors`;
    const text = `${what} (${example(keys)}) ${keys.length === 1 ? "is" : "are"} written as ${first} has ${keys.length === 1 ? "it" : "them"}; what ${listed(others)} ${others.length === 1 ? "has" : "have"} there is left out, and with it what it was trained for.`;
    return { id: "extras-first", text };
  });
  return { skipped, warnings };
}

/** The averages of extras, or why one has none. @param used positions of the adapters that take part @param holders of these, by key */
function averaged(
  adapters: readonly Adapter[],
  weights: readonly number[],
  used: readonly number[],
  holders: ReadonlyMap<string, readonly number[]>,
): PlannedExtra[] | string {
  const total = orderlessSum(used.map((t) => weights[t]!));
  if (total === 0) return NO_WEIGHT;
  const extras: PlannedExtra[] = [];
  for (const [key, inputs] of holders) {
    const sources = inputs.map((input) => ({
      input,
      tensor: adapters[input]!.extras.get(key)!,
      share: weights[input]! / total,
    }));
    const why = unlike(adapters, key, used, sources);
    if (why !== null) return why;
    const dtype = commonDtype(sources.map(({ tensor }) => tensor.dtype));
    extras.push({ key, dtype, shape: sources[0]!.tensor.shape, parts: [sources], scaled: false, begin: 0, end: 0 });
  }
  return extras;
}

/** Why a tensor has no average; null if it has one. */
function unlike(
  adapters: readonly Adapter[],
  key: string,
  used: readonly number[],
  sources: readonly ExtraSource[],
): string | null {
  const lacking = used.find((t) => !sources.some(({ input }) => input === t));
  if (lacking !== undefined) {
    return `${key} cannot be averaged: ${adapters[lacking]!.name} does not have it`;
  }
  const [first] = sources;
  for (const { input, tensor } of sources) {
    if (tensor.shape.join() !== first!.tensor.shape.join()) {
      return `${key} cannot be averaged: it is ${formatShape(first!.tensor.shape)} in ${adapters[first!.input]!.name} and ${formatShape(tensor.shape)} in ${adapters[input]!.name}`;
    }
    if (!isFactorDtype(tensor.dtype)) {
      return `${key} cannot be averaged: ${adapters[input]!.name} stores it as ${tensor.dtype}`;
    }
  }
  return null;
}

function example(keys: readonly string[]): string {
  const shown = keys.slice(0, 3).map(withoutPeftPrefix).join(", ");
  return keys.length > 3 ? `${shown}, ...` : shown;
}
