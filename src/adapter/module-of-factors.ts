import type { FactorDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { denseFactor } from "./dense-factor.ts";
import type { AdapterModule, StridedFactor, TensorRef } from "./read-adapter.ts";

/** A module without its scale, each of whose factors is a tensor. */
export type StridedModule = Omit<AdapterModule, "scale" | "a" | "b"> & {
  readonly a: StridedFactor;
  readonly b: StridedFactor;
};

/**
 * A module without its scale, from the shapes of its two factors: A (r, in), B (out, r), or for conv A (r, channels, ...kernel) and
 * B (out, r, 1...).
 *
 * @param stored what the keys say about it; the shapes tell conv
 * @throws FormatError for shapes that no LoRA layer has, RefusedError for element types and grouped factors
 */
export function moduleOfFactors(
  name: string,
  path: string,
  stored: "linear" | "embedding",
  a: TensorRef,
  b: TensorRef,
): StridedModule {
  const both = `A is ${formatShape(a.shape)}, B is ${formatShape(b.shape)}`;
  for (const tensor of [a, b]) refuseNoFloats(name, tensor);
  refuseUngathered(name, path, a, b, both);
  if (a.shape.length === 2 && b.shape.length === 3) {
    throw new RefusedError(
      `${name}: ${path} has a grouped B (${both}), as MergedLinear adapters of 2023 have, so B A is undefined; retrain it with current PEFT.`,
    );
  }
  const dims = a.shape.length;
  const odd = stored === "embedding" ? dims !== 2 : dims < 2;
  if (odd || dims !== b.shape.length || b.shape.slice(2).some((size) => size !== 1)) {
    throw new FormatError(
      `${name}: ${path} has factors that no LoRA layer has (${both}); expected A (r, in) and B (out, r).`,
    );
  }
  const rank = a.shape[0]!;
  if (rank !== b.shape[1]) {
    throw new FormatError(
      `${name}: the factors of ${path} differ in rank (${both}); expected A (r, in) and B (out, r).`,
    );
  }
  return {
    name: path,
    kind: a.shape.length > 2 ? "conv" : stored,
    in: elementCount(a.shape.slice(1)),
    out: b.shape[0]!,
    inputShape: a.shape.slice(1),
    rank,
    a: denseFactor(a as TensorRef<FactorDtype>, "rows", rank),
    b: denseFactor(b as TensorRef<FactorDtype>, "columns", rank),
  };
}

/** Refuse a factor of an element type that does not widen to f32. @param name of the adapter */
export function refuseNoFloats(name: string, { name: key, dtype }: TensorRef): void {
  if (isFactorDtype(dtype)) return;
  throw new RefusedError(
    `${name}: ${key} is stored as ${dtype}, which is not a floating-point type; save the adapter in f32, f16 or bf16.`,
  );
}

/** A tensor whose values widen to f32. @param name of the adapter @throws RefusedError for any other */
export function floats(name: string, tensor: TensorRef): TensorRef<FactorDtype> {
  refuseNoFloats(name, tensor);
  return tensor as TensorRef<FactorDtype>;
}

/**
 * Refuse factors that were saved without gathering them from all training processes: empty ones (DeepSpeed ZeRO-3), and rows of a single
 * process (FSDP), where the rows of A are an exact fraction of the units of B.
 */
function refuseUngathered(name: string, path: string, a: TensorRef, b: TensorRef, both: string): void {
  const again =
    "save it again with the parts gathered, for example with model.save_pretrained(folder, state_dict=accelerator.get_state_dict(model))";
  if ([a, b].some(({ shape }) => elementCount(shape) === 0)) {
    throw new FormatError(
      `${name}: the factors of ${path} are empty (${both}), as DeepSpeed ZeRO-3 leaves them unless they are gathered; ${again}.`,
    );
  }
  const [units = 0, columns = 0] = [a.shape[0], b.shape[1]];
  if (a.shape.length === b.shape.length && columns > units && columns % units === 0) {
    throw new FormatError(
      `${name}: the factors of ${path} differ in rank (${both}; expected ${columns} rows of A), which looks like the rows of a single FSDP process; ${again}.`,
    );
  }
}
