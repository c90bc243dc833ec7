import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { isFactorDtype, isOutputDtype } from "../core/elements.ts";
import { RefusedError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { ChangedTensor, FusedPart, Magnitude } from "./fuse-plan.ts";

/** The orientation of a stored matrix, kernels flattened: (out, in) is straight; (in, out), as in Conv1D and embeddings, is turned. */
type Orientation = "straight" | "turned";

/**
 * The orientation of a tensor relative to the delta of an adapter's module.
 *
 * @param squaresTurn whether the base's config.json says that a matrix is stored as (in, out), where its shape is square
 * @throws RefusedError where the shapes do not agree, or no delta can be added to the tensor's type
 */
export function orientationOn(
  adapter: Adapter,
  module: AdapterModule,
  { name, dtype, shape }: ChangedTensor,
  base: string,
  squaresTurn: boolean,
): Orientation {
  if (!isOutputDtype(dtype)) {
    throw new RefusedError(
      `${base}: ${name} is stored as ${dtype}, and no delta can be added to that type; pass the base model in f32, f16 or bf16.`,
    );
  }
  const found = orientation(module, shape, adapter.fanInFanOut || squaresTurn);
  if (found !== null) return found;
  throw new RefusedError(
    `${adapter.name}: ${module.name} has a delta of ${formatShape([module.out, ...module.inputShape])}, but ${name} of ${base} is ${formatShape(shape)}; pass the base model that the adapter was trained on.`,
  );
}

function orientation(module: AdapterModule, shape: readonly number[], conv1d: boolean): Orientation | null {
  const { kind, in: inputs, out, inputShape } = module;
  const straight = flat([out, ...inputShape]) === flat(shape);
  const turned = [inputs, out].join() === shape.join();
  switch (kind) {
    case "embedding":
      return turned ? "turned" : null;
    case "conv":
      return straight ? "straight" : null;
    case "linear":
      if (straight && !(turned && conv1d)) return "straight";
      return turned ? "turned" : null;
    default:
      return refuseKind(kind);
  }
}

/** Makes a new kind of module a compile error until it is placed here. */
function refuseKind(kind: never): never {
  throw new RefusedError(`Modules of the kind ${kind} cannot be fused; leave them out.`);
}

/** A shape as text, without a kernel of one: such a convolution is a linear layer. */
function flat(shape: readonly number[]): string {
  return shape.join("x").replace(/(?<=x\d+)(x1)+$/, "");
}

/**
 * One expert's matrix in a tensor that holds those of all.
 *
 * @throws RefusedError where the tensor has no such expert
 */
export function sliceOf(adapter: Adapter, module: AdapterModule, tensor: ChangedTensor, expert: number): ChangedTensor {
  const { name, shape } = tensor;
  if (shape.length === 3 && expert < shape[0]!) return { ...tensor, shape: shape.slice(1) };
  throw new RefusedError(
    `${adapter.name}: ${module.name} is expert ${expert}, but ${name} is ${formatShape(shape)}; pass the base model that the adapter was trained on.`,
  );
}

/** A module's units on the stored matrix. @param factor weight * scale */
export function partOf(
  input: number,
  module: AdapterModule,
  lies: Orientation,
  factor: number,
): Omit<FusedPart, "expert"> {
  const { name, scale, a, b } = module;
  const [along, across] = lies === "straight" ? [b, a] : [a, b];
  return { input, module: name, factor: Math.fround(factor * scale), along, across };
}

/** What LyCORIS adds to norms: the epsilon of f32. */
const LYCORIS_EPSILON = 2 ** -23;

/**
 * The magnitude of a DoRA adapter's module on its tensor. Programs scale different things: PEFT and mlx-lm every output of W + s B A;
 * LyCORIS (dora_scale) the axis that its tensor spans, outputs or input channels; mlx-lm also the tokens of an embedding.
 *
 * @returns null where the module has none
 * @throws RefusedError where the numbers do not match the scaled rows or columns
 */
export function magnitudeOf(
  adapter: Adapter,
  input: number,
  module: AdapterModule,
  lies: Orientation,
): Magnitude | null {
  const tensor = adapter.magnitudes.get(module.name);
  if (tensor === undefined) return null;
  const { out, in: inputs, inputShape, kind, name } = module;
  const lycoris = tensor.name.endsWith(".dora_scale");
  const ofInputs = lycoris ? tensor.shape[0] !== out : adapter.format === "mlx" && kind === "embedding";
  const count = ofInputs ? inputShape[0]! : out;
  if (elementCount(tensor.shape) !== count || !isFactorDtype(tensor.dtype)) {
    throw new RefusedError(
      `${adapter.name}: the magnitudes of ${name} are ${tensor.dtype} ${formatShape(tensor.shape)}, but must be one number for each of its ${count} ${ofInputs ? "inputs" : "outputs"}; save the adapter again.`,
    );
  }
  const rows = ofInputs === (lies === "turned");
  return {
    input,
    tensor,
    axis: rows ? "rows" : "columns",
    group: rows || lies === "turned" ? 1 : inputs / inputShape[0]!,
    epsilon: lycoris ? LYCORIS_EPSILON : 0,
  };
}
