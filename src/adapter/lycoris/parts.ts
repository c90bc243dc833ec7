import { FormatError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import type { TensorRef } from "../read-adapter.ts";

/** The tensors of a module, by what stands behind the module's name. */
export interface Parts {
  /** Of the adapter. */
  readonly name: string;
  /** The module's name in the file. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorRef>;
}

/** One of the tensors. @throws FormatError where it is missing or empty */
export function partOf(parts: Parts, part: string): TensorRef {
  const { name, path, tensors } = parts;
  const tensor = tensors.get(part);
  if (tensor === undefined) {
    throw new FormatError(
      `${name}: ${path} has ${[...tensors.keys()].join(", ")} but no ${part}; the file is incomplete, save or copy it again.`,
    );
  }
  if (elementCount(tensor.shape) === 0) throw misfit(parts);
  return tensor;
}

/** The error of tensors whose shapes do not fit each other. */
export function misfit({ name, path, tensors }: Parts): FormatError {
  const shapes = Array.from(tensors, ([part, { shape }]) => `${part} ${formatShape(shape)}`).join(", ");
  return new FormatError(
    `${name}: the tensors of ${path} do not fit each other (${shapes}); expected those of one module (docs/formats/lycoris.md, docs/formats/peft-methods.md), so save the adapter again.`,
  );
}
