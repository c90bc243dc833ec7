import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { MATRIX_KINDS, refuseKinds } from "../adapter/kinds.ts";
import { refuseVariants, type VariantId } from "../adapter/variants.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";
import { ChangedTensors } from "./changed-tensors.ts";
import { isConv1d } from "./conv1d.ts";
import { isTransposed, placedDeltas } from "./expert-places.ts";
import type { FusePlan } from "./fuse-plan.ts";
import { type Fusing, headFollows, placeBiases, placeOwnTensors, placeTokenRows } from "./own-tensors.ts";
import { modulesOfPart } from "./pipeline-part.ts";
import { magnitudeOf, orientationOn, partOf, sliceOf } from "./placement.ts";

/** What a fusion applies besides deltas. */
const APPLIED: readonly VariantId[] = ["dora", "lora_bias", "token_indices"];

/** How to fuse. */
export interface FuseRecipe {
  /** One per adapter. Default 1 each. */
  readonly weights?: readonly number[];
  /** lambda: all deltas are multiplied by it. Default 1. */
  readonly scale?: number;
  /** Whether heads, biases and other tensors besides the factors replace the base's or are left out. Default replace. */
  readonly extras?: "replace" | "drop";
}

/**
 * Decide from headers which tensors of a base change, and how.
 *
 * @param config of the base; null where it has none
 * @throws UsageError for weights that do not fit, RefusedError for adapters that do not fit the base
 */
export function planFusion(
  base: BaseModel,
  adapters: readonly Adapter[],
  recipe: FuseRecipe,
  config: BaseConfig | null = null,
): FusePlan {
  const weights = checkedWeights(adapters, recipe);
  const alone = weights.filter((weight) => weight !== 0).length === 1;
  const { scale = 1, extras = "replace" } = recipe;
  const fusing = adapters.flatMap((adapter, input): Fusing[] =>
    weights[input] === 0 ? [] : [{ adapter, input, factor: weights[input]! * scale, alone }],
  );
  for (const { adapter } of fusing) {
    refuseVariants(adapter, APPLIED);
    refuseKinds(adapter.name, adapter.modules.values(), MATRIX_KINDS, "a fused model");
  }
  const changed = new ChangedTensors(base, config);
  for (const one of fusing) placeOwnTensors(changed, one, extras === "drop");
  const elsewhere = new Map<string, number>();
  const parts = fusing.map(({ adapter }) => modulesOfPart(base, config, adapter));
  for (const [i, one] of fusing.entries()) {
    const part = parts[i]!;
    placeDeltas(changed, base, one, part.modules, config?.modelType ?? null);
    for (const [component, count] of part.elsewhere) elsewhere.set(component, (elsewhere.get(component) ?? 0) + count);
  }
  for (const [i, one] of fusing.entries()) placeBiases(changed, one, parts[i]!.modules);
  for (const one of fusing) placeTokenRows(changed, one);
  return { ...changed.settled(), elsewhere };
}

function checkedWeights(adapters: readonly Adapter[], { weights, scale = 1 }: FuseRecipe): readonly number[] {
  if (adapters.length === 0) throw new UsageError("There is nothing to fuse; pass at least one adapter.");
  const own = weights ?? adapters.map(() => 1);
  if (own.length !== adapters.length) {
    throw new UsageError(
      `There are ${adapters.length} adapters but ${own.length} weights; pass one weight for each adapter, in their order.`,
    );
  }
  if (![...own, scale].every(Number.isFinite)) throw new UsageError("Weights and scale must be finite numbers.");
  return own;
}

/** @param modules by their paths in the base */
function placeDeltas(
  changed: ChangedTensors,
  base: BaseModel,
  fusing: Fusing,
  modules: ReadonlyMap<string, AdapterModule>,
  modelType: string | null,
): void {
  const { adapter, input, factor, alone } = fusing;
  const seen = new Map<string, AdapterModule>();
  const placed = [...modules].flatMap(([path, module]) => placedDeltas(base, modelType, path, module));
  for (const { path, expert, module } of placed) {
    const drafts = changed.at(path, `${adapter.name}: ${module.name}`, headFollows(adapter));
    const [first] = drafts as [(typeof drafts)[number]];
    // Gate and up may be rows of one slice.
    const place = expert === null ? first.name : `${first.name} ${module.name}`;
    const twin = seen.get(place);
    if (twin !== undefined) {
      throw new RefusedError(
        `${adapter.name}: ${twin.name} and ${module.name} are both ${first.name} of ${base.name}; remove the one that does not belong to the adapter.`,
      );
    }
    seen.set(place, module);
    const [matrix, turns] =
      expert === null
        ? [first, isConv1d(module.name, modelType)]
        : [sliceOf(adapter, module, first, expert), isTransposed(modelType)];
    const lies = orientationOn(adapter, module, matrix, base.name, turns);
    const part = { ...partOf(input, module, lies, factor), expert };
    const magnitude = magnitudeOf(adapter, input, module, lies);
    if (magnitude !== null && expert !== null) {
      throw new RefusedError(
        `${adapter.name} is a DoRA adapter of experts, and ${base.name} holds the experts of a layer in one tensor (${first.name}), to which its magnitudes cannot be applied yet; pass the model as transformers 4 saved it, with one tensor per expert.`,
      );
    }
    if (magnitude !== null && !(alone && factor === 1)) {
      throw new RefusedError(
        `${adapter.name} is a DoRA adapter, whose magnitudes hold only for its own delta on this base; fuse it by itself, with weight and scale 1.`,
      );
    }
    for (const draft of drafts) {
      draft.parts.push(part);
      draft.magnitude = magnitude;
    }
  }
}
