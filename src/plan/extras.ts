import type { Adapter } from "../adapter/adapter.ts";
import { commonDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { orderlessSum } from "../core/sum.ts";
import { withoutPeftPrefix } from "../formats/peft-folder/keys.ts";
import type { ExtrasPolicy } from "../recipe/recipe.ts";
import type { ExtraSource, PlannedExtra } from "./merge-plan.ts";
import type { MergeParts } from "./plan-parts.ts";
import type { Warning } from "./warning.ts";

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
    return { extras: Array.from(holders, ([key, [first]]) => copy(key, first!)), skipped: [], warnings: [] };
  }
  if (policy === "drop") {
    const skipped = [...holders].flatMap(([tensor, inputs]) => inputs.map((input) => ({ input, tensor })));
    const text = `${holders.size === 1 ? "One tensor that is not a LoRA factor is" : `${holders.size} tensors that are not LoRA factors are`} left out (${example(holders)}); add heads by hand if the task needs them.`;
    return { extras: [], skipped, warnings: [{ id: "extras-dropped", text }] };
  }
  if (policy === "error") {
    const who = [...new Set([...holders.values()].flat())].map((t) => adapters[t]!.name).join(", ");
    throw new RefusedError(
      `${who} ${holders.size === 1 ? "holds a tensor that is not a LoRA factor" : `hold ${holders.size} tensors that are not LoRA factors`} (${example(holders)}); choose --extras drop, first or average.`,
    );
  }
  const total = orderlessSum(used.map((t) => weights[t]!));
  if (total === 0) {
    throw new UsageError("The weights sum to 0, so extras have no average; choose --extras drop or first.");
  }
  const extras = Array.from(holders, ([key, inputs]) => {
    const averaged = inputs.map((input) => ({
      input,
      tensor: adapters[input]!.extras.get(key)!,
      share: weights[input]! / total,
    }));
    refuseUnlike(adapters, key, used, averaged);
    const dtype = commonDtype(averaged.map(({ tensor }) => tensor.dtype));
    return { key, dtype, shape: averaged[0]!.tensor.shape, parts: [averaged], scaled: false, begin: 0, end: 0 };
  });
  return { extras, skipped: [], warnings: [] };
}

function refuseUnlike(
  adapters: readonly Adapter[],
  key: string,
  used: readonly number[],
  sources: readonly ExtraSource[],
): void {
  const ways = "choose --extras drop or first";
  const lacking = used.find((t) => !sources.some(({ input }) => input === t));
  if (lacking !== undefined) {
    throw new RefusedError(`${key} cannot be averaged: ${adapters[lacking]!.name} does not have it; ${ways}.`);
  }
  const [first] = sources;
  for (const { input, tensor } of sources) {
    if (tensor.shape.join() !== first!.tensor.shape.join()) {
      throw new RefusedError(
        `${key} cannot be averaged: it is ${formatShape(first!.tensor.shape)} in ${adapters[first!.input]!.name} and ${formatShape(tensor.shape)} in ${adapters[input]!.name}; ${ways}.`,
      );
    }
    if (!isFactorDtype(tensor.dtype)) {
      throw new RefusedError(
        `${key} cannot be averaged: ${adapters[input]!.name} stores it as ${tensor.dtype}; ${ways}.`,
      );
    }
  }
}

function example(holders: ReadonlyMap<string, unknown>): string {
  const keys = [...holders.keys()].map(withoutPeftPrefix);
  return keys.length > 3 ? `${keys.slice(0, 3).join(", ")}, ...` : keys.join(", ");
}
