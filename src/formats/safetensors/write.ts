import { UsageError } from "../../core/errors.ts";
import { showJson } from "../json.ts";
import { layoutSafetensors, type TensorSpec } from "./layout.ts";

/** A tensor with its data: row-major, little-endian. */
export interface TensorData extends TensorSpec {
  readonly data: Uint8Array;
}

/**
 * Encode a small safetensors file in memory, byte-identical to what Python's safetensors writes. For large files, plan with
 * layoutSafetensors and write tensor by tensor.
 * @param metadata written as `__metadata__`; undefined writes none.
 * @throws UsageError as layoutSafetensors does, and when data is not as long as its dtype and shape say.
 */
export function encodeSafetensors(
  tensors: readonly TensorData[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const layout = layoutSafetensors(tensors, metadata);
  const file = new Uint8Array(layout.size);
  file.set(layout.header);
  for (const { name, data } of tensors) {
    const { begin, end } = layout.tensors.get(name)!;
    if (data.byteLength !== end - begin) {
      throw new UsageError(
        `Tensor ${showJson(name)} comes with ${data.byteLength} bytes, but its dtype and shape take ${end - begin}; correct one of them.`,
      );
    }
    file.set(data, begin);
  }
  return file;
}
