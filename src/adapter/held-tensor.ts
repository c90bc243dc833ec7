import { type ByteSource, memorySource } from "../core/bytes.ts";
import type { TensorRef } from "./read-adapter.ts";

/**
 * Hold a tensor's bytes in memory where no file range holds them in the form needed: quantized tensors and reordered rows.
 *
 * @param files the adapter's, to which one is added
 */
export function heldTensor(
  files: ByteSource[],
  { name }: TensorRef,
  bytes: Uint8Array,
): Pick<TensorRef, "file" | "begin" | "end"> {
  files.push(memorySource(`${files[0]!.name}: ${name}`, bytes));
  return { file: files.length - 1, begin: 0, end: bytes.length };
}
