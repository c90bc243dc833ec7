import type { Adapter } from "../../adapter/adapter.ts";
import { oneModel } from "../../adapter/one-model.ts";
import { LoraLegoError } from "../../core/errors.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { makePlan } from "../../plan/plan.ts";

/** A plan, or why it is refused. */
export type Planned = MergePlan | { readonly refused: string };

/** What a merge has to be told that it would refuse else. */
interface Policy {
  readonly extras?: "drop";
  readonly allowPartial?: true;
}

/** The plan that is recommended, with what has to be said for it; null where nothing helps. */
export function allowedPlan(
  planned: Planned,
  adapters: readonly Adapter[],
  plan: (policy: Policy) => Planned,
): { readonly plan: MergePlan; readonly policy: Policy } | null {
  if (!("refused" in planned)) return { plan: planned, policy: {} };
  // Other tensors than factors can always be left out. Adapters of one model may change different modules of it.
  const ofOne = adapters.every((one, t) => adapters.slice(t + 1).every((other) => oneModel(one, other) === "named"));
  const partial: Policy[] = ofOne ? [{ allowPartial: true }, { extras: "drop", allowPartial: true }] : [];
  for (const policy of [{ extras: "drop" } as const, ...partial]) {
    const own = plan(policy);
    if (!("refused" in own)) return { plan: own, policy };
  }
  return null;
}

/** The plan of the merge that is recommended, or why it is refused. */
export function planOf(
  adapters: readonly Adapter[],
  weights: readonly number[] | null,
  acting: number,
  policy: Policy = {},
): Planned {
  try {
    return makePlan(adapters, { ...policy, ...(weights !== null && { weights }) }, { acting });
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    return { refused: error.message };
  }
}
