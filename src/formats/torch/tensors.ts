import { bytesOf } from "../../core/dtype.ts";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { elementCount } from "../../core/shape.ts";
import { showJson } from "../json.ts";
import type { TensorInfo } from "../safetensors/header.ts";
import { describeValue, PickleDict, type PickleValue, SAVE_INSTEAD, TensorRecord } from "./values.ts";

/** Keys under which training programs put a state dict; read only if the checkpoint holds nothing else. */
const WRAPPERS: ReadonlySet<PickleValue> = new Set(["state_dict", "module"]);

/** Far more than any model's adapter has. */
export const MAX_TENSORS: number = 1 << 16;

/** A range of the file, in bytes. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * The tensors of a checkpoint by name: a dict of tensors, or a dict with nothing but such a dict as "state_dict" or "module".
 * @throws RefusedError when the checkpoint is or holds anything else.
 */
export function stateDict(root: PickleValue, fileName: string): ReadonlyMap<string, TensorRecord> {
  if (!(root instanceof PickleDict)) {
    throw new RefusedError(`${fileName} holds ${describeValue(root)}, not a dict of tensors; ${SAVE_INSTEAD}.`);
  }
  const [first, ...others] = root.entries;
  const wrapped = first !== undefined && others.length === 0 && WRAPPERS.has(first[0]) ? first[1] : root;
  const dict = wrapped instanceof PickleDict ? wrapped : root;
  if (dict.size > MAX_TENSORS) {
    throw new FormatError(
      `${fileName} holds ${dict.size} tensors, more than the ${MAX_TENSORS} of the largest adapters; ${SAVE_INSTEAD}.`,
    );
  }
  const tensors = new Map<string, TensorRecord>();
  for (const [key, value] of dict.entries) {
    if (typeof key !== "string" || !(value instanceof TensorRecord)) throw noTensor(dict, key, value, fileName);
    tensors.set(key, value);
  }
  return tensors;
}

/**
 * Where a tensor is in the file.
 * @param storage the range of its storage in the file.
 * @throws FormatError when it reaches beyond its storage, RefusedError when its elements are not stored row by row.
 */
export function placeTensor(name: string, tensor: TensorRecord, storage: ByteRange, fileName: string): TensorInfo {
  const { dtype, size: shape, stride, offset } = tensor;
  const count = elementCount(shape);
  if (count > 0 && !isContiguous(shape, stride)) {
    throw new RefusedError(
      `${fileName}: tensor ${showJson(name)} of shape ${showJson(shape)} is stored with strides ${showJson(stride)}, like a transposed or sliced view; call .contiguous() on it and save it again, preferably as safetensors.`,
    );
  }
  const elementBytes = bytesOf(dtype);
  const begin = storage.begin + offset * elementBytes;
  const end = begin + count * elementBytes;
  if (!(end <= storage.end)) {
    throw new FormatError(
      `${fileName}: tensor ${showJson(name)} of ${dtype} ${showJson(shape)} needs ${count * elementBytes} bytes from byte ${offset * elementBytes} of its storage on, but the storage has ${storage.end - storage.begin}; copy or download the file again.`,
    );
  }
  return { dtype, shape, begin, end };
}

/** Row-major without gaps; the stride of a dimension of size 1 says nothing. */
function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && stride[i] !== expected) return false;
    expected *= shape[i]!;
  }
  return true;
}

function noTensor(dict: PickleDict, key: PickleValue, value: PickleValue, fileName: string): RefusedError {
  const keys = [...dict.entries.keys()];
  if (keys.some((name) => typeof name === "string" && /^(state_dict|module|model|optimizer|state|epoch)$/.test(name))) {
    const shown = keys.slice(0, 4).map(shownKey).join(", ");
    const more = keys.length > 4 ? ` and ${keys.length - 4} more` : "";
    return new RefusedError(
      `${fileName} is a checkpoint of a training run, with ${shown}${more}; save the dict of the adapter's tensors alone, preferably with safetensors.torch.save_file.`,
    );
  }
  return new RefusedError(
    `${fileName}: ${shownKey(key)} is ${describeValue(value)}, not a named tensor; remove it and save the tensors with safetensors.torch.save_file.`,
  );
}

function shownKey(key: PickleValue): string {
  return typeof key === "string" || typeof key === "number" ? showJson(key) : describeValue(key);
}
