import type { Adapter, AdapterModule, TensorRef } from "../adapter/adapter.ts";
import { refuseVariants, type VariantId } from "../adapter/variants.ts";
import { isFactorDtype, type OutputDtype } from "../core/dtype.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { BaseModel } from "./base-model.ts";
import { baseTensor } from "./base-tensor.ts";
import { isConv1d } from "./conv1d.ts";

/** What fusing applies beside the deltas. */
const APPLIED: readonly VariantId[] = ["dora"];

/** One adapter's share of a tensor: factor * (left column) (right row), summed over its units. */
export interface FusedPart {
  /** Index of the adapter. */
  readonly input: number;
  readonly module: AdapterModule;
  /** weight * scale * the module's own scale, in f32. */
  readonly factor: number;
  /** Which half runs along the rows of the base's matrix. */
  readonly rowHalf: "a" | "b";
}

/** A tensor of the base that deltas are added to, as a matrix. */
export interface FusedTensor {
  readonly tensor: TensorRef<OutputDtype>;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly FusedPart[];
  /** DoRA's magnitude of every output, where the one adapter has some. */
  readonly magnitude: { readonly input: number; readonly tensor: TensorRef } | null;
}

/** What a fusion changes; everything else is copied. */
export interface FusePlan {
  readonly fused: ReadonlyMap<string, FusedTensor>;
  /** Tensors of the base that an adapter's own take the place of, by the base's names. */
  readonly replaced: ReadonlyMap<string, { readonly input: number; readonly tensor: TensorRef }>;
}

/** How to fuse. */
export interface FuseRecipe {
  /** One per adapter. Default 1 each. */
  readonly weights?: readonly number[];
  /** lambda: all deltas are multiplied by it. Default 1. */
  readonly scale?: number;
  /** Leave out heads, biases and other tensors beside the factors. Default false. */
  readonly dropExtras?: boolean;
}

/**
 * Decide from headers which tensors of a base change, and how.
 *
 * @param modelType of the base's config.json, which says whether layers hold their weights as (in, out)
 * @throws UsageError for weights that do not fit, RefusedError for adapters that do not fit the base
 */
export function planFusion(
  base: BaseModel,
  adapters: readonly Adapter[],
  recipe: FuseRecipe,
  modelType: string | null = null,
): FusePlan {
  for (const adapter of adapters) refuseVariants(adapter, APPLIED);
  const weights = checkedWeights(adapters, recipe);
  const fused = new Map<string, FusedTensor>();
  for (const [input, adapter] of adapters.entries()) {
    if (weights[input] === 0) continue;
    for (const module of adapter.modules.values()) {
      const tensor = baseTensor(base, `${module.name}.weight`, `${adapter.name}: ${module.name}`);
      const factor = Math.fround(weights[input]! * (recipe.scale ?? 1) * module.scale);
      const added = placed(base, adapter, module, tensor, isConv1d(module.name, modelType));
      const parts = [...(fused.get(tensor.name)?.parts ?? []), { input, module, factor, rowHalf: added.rowHalf }];
      fused.set(tensor.name, { ...added, parts, magnitude: magnitudeOf(adapters, weights, recipe, input, module) });
    }
  }
  return { fused, replaced: recipe.dropExtras ? new Map() : replacements(base, adapters) };
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

/** The magnitude of a module, if its adapter is DoRA. */
function magnitudeOf(
  adapters: readonly Adapter[],
  weights: readonly number[],
  { scale = 1 }: FuseRecipe,
  input: number,
  { name, kind, out }: AdapterModule,
): FusedTensor["magnitude"] {
  const adapter = adapters[input]!;
  const tensor = adapter.magnitudes.get(name);
  if (tensor === undefined) return null;
  if (adapters.length > 1 || weights[0] !== 1 || scale !== 1) {
    throw new RefusedError(
      `${adapter.name} is a DoRA adapter, whose magnitudes hold for its own delta on this base alone; fuse it by itself, with weight and scale 1.`,
    );
  }
  if (kind === "embedding" || elementCount(tensor.shape) !== out || !isFactorDtype(tensor.dtype)) {
    throw new RefusedError(
      `${adapter.name}: the magnitudes of ${name} are ${tensor.dtype} ${formatShape(tensor.shape)}, but must be one number for each of its ${out} outputs of a linear layer or a convolution; merge it with PEFT.`,
    );
  }
  return { input, tensor };
}

/** A module on its tensor: (out, in) as PEFT has it, (in, out) for Conv1D and embeddings, kernels flattened for conv. */
function placed({ name }: BaseModel, adapter: Adapter, module: AdapterModule, tensor: TensorRef, conv1d: boolean) {
  const { dtype, shape } = tensor;
  if (!isFactorDtype(dtype) || (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16")) {
    throw new RefusedError(
      `${name}: ${tensor.name} is stored as ${dtype}, to which no delta can be added; pass the base model in f32, f16 or bf16.`,
    );
  }
  const { kind, in: inputs, out, inputShape } = module;
  const straight = [out, ...inputShape].join() === shape.join();
  const turned = kind !== "conv" && [inputs, out].join() === shape.join();
  const mayTurn = kind === "embedding" || (turned && (!straight || conv1d || adapter.fanInFanOut));
  if (kind === "embedding" ? !turned : !straight && !turned) {
    throw new RefusedError(
      `${adapter.name}: ${module.name} has a delta of ${formatShape([out, ...inputShape])}, but ${tensor.name} of ${name} is ${formatShape(shape)}; pass the base model that the adapter was trained on.`,
    );
  }
  const rows = shape[0]!;
  return {
    tensor: { ...tensor, dtype } as TensorRef<OutputDtype>,
    rows,
    columns: elementCount(shape.slice(1)),
    rowHalf: mayTurn ? ("a" as const) : ("b" as const),
  };
}

/** Tensors of an adapter that stand for the base's own: heads and biases that were trained. */
function replacements(base: BaseModel, adapters: readonly Adapter[]): FusePlan["replaced"] {
  const replaced = new Map<string, { input: number; tensor: TensorRef }>();
  for (const [input, { name, extras }] of adapters.entries()) {
    if (extras.size > 0 && adapters.length > 1) {
      throw new RefusedError(
        `${name} holds ${extras.size === 1 ? "a tensor" : `${extras.size} tensors`} beside its factors, which cannot stand for the base's together with another adapter; pass --extras drop, or fuse it alone.`,
      );
    }
    for (const [key, tensor] of extras) {
      const path = key.replace(/^base_model\.model\./, "").replace(".base_layer.", ".");
      const own = baseTensor(base, path, `${name}: the tensor ${key}`);
      if (own.shape.join() !== tensor.shape.join() || own.dtype !== tensor.dtype) {
        throw new RefusedError(
          `${name}: ${key} is ${tensor.dtype} ${formatShape(tensor.shape)}, but ${own.name} of ${base.name} is ${own.dtype} ${formatShape(own.shape)}, so it cannot take its place; pass --extras drop.`,
        );
      }
      replaced.set(own.name, { input, tensor });
    }
  }
  return replaced;
}
