import type { Dtype } from "../../core/dtype.ts";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { showJson } from "../json.ts";
import { PICKLED_WEIGHTS_FILE, WEIGHTS_FILE } from "../peft-folder/files.ts";
import {
  AllowedGlobal,
  describeValue,
  PickleDict,
  type PickleValue,
  SAVE_INSTEAD,
  StorageRef,
  TensorRecord,
} from "./values.ts";

const ORDERED_DICT = "collections.OrderedDict";
const TENSOR = "torch._utils._rebuild_tensor_v2";
const TENSOR_OF_BYTES = "torch._utils._rebuild_tensor_v3";
const PARAMETER = "torch._utils._rebuild_parameter";

/** PyTorch's own limit. */
const MAX_DIMENSIONS = 64;

const STORAGES: Readonly<Record<string, Dtype>> = {
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  DoubleStorage: "F64",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  ComplexFloatStorage: "C64",
};

const DTYPES: Readonly<Record<string, Dtype>> = {
  float8_e4m3fn: "F8_E4M3",
  float8_e5m2: "F8_E5M2",
  float8_e4m3fnuz: "F8_E4M3FNUZ",
  float8_e5m2fnuz: "F8_E5M2FNUZ",
  float8_e8m0fnu: "F8_E8M0",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
};

/** Every name that a pickle may use. */
const ALLOWED: ReadonlyMap<string, AllowedGlobal> = new Map(
  [
    ...[ORDERED_DICT, TENSOR, TENSOR_OF_BYTES, PARAMETER].map((name) => new AllowedGlobal(name, "function", null)),
    ...Object.entries(STORAGES).map(([name, dtype]) => new AllowedGlobal(`torch.${name}`, "storage", dtype)),
    new AllowedGlobal("torch.storage.UntypedStorage", "storage", null),
    ...Object.entries(DTYPES).map(([name, dtype]) => new AllowedGlobal(`torch.${name}`, "dtype", dtype)),
  ].map((allowed) => [allowed.name, allowed]),
);

/**
 * The global of this name, if it is on the list.
 * @throws RefusedError for every other name.
 */
export function allowedGlobal(module: string, name: string, fileName: string): AllowedGlobal {
  const allowed = ALLOWED.get(`${module}.${name}`);
  // "torch" + "storage.X" is another global than "torch.storage" + "X".
  if (allowed !== undefined && !name.includes(".")) return allowed;
  const shown = showJson(`${module}.${name}`).slice(1, -1);
  if (/(Arguments|Config)$/.test(name)) {
    throw new RefusedError(
      `${fileName} holds the settings of a training run (${shown}), not an adapter; nothing was executed; pass ${WEIGHTS_FILE} or ${PICKLED_WEIGHTS_FILE}.`,
    );
  }
  throw new RefusedError(`${fileName}: its pickle names ${shown}, which no plain tensor needs; ${SAVE_INSTEAD}.`);
}

/**
 * What a call of an allowed function with these arguments means.
 * @throws RefusedError for calls of anything else, FormatError for arguments that PyTorch does not give.
 */
export function callGlobal(callable: PickleValue, args: PickleValue, fileName: string): PickleValue {
  if (!(callable instanceof AllowedGlobal) || callable.kind !== "function") {
    throw new RefusedError(
      `${fileName}: its pickle calls ${describeValue(callable)}, which no plain tensor needs; ${SAVE_INSTEAD}.`,
    );
  }
  const value = isTuple(args) ? rebuild(callable.name, args, fileName) : null;
  if (value !== null) return value;
  throw new FormatError(
    `${fileName}: its pickle calls ${callable.name} with arguments that PyTorch does not use; ${SAVE_INSTEAD}.`,
  );
}

/**
 * Give an object its attributes: only the version numbers that Module.state_dict() puts on its OrderedDict, which are ignored.
 * @throws RefusedError for all other attributes and objects.
 */
export function setState(object: PickleValue, state: PickleValue, fileName: string): void {
  const versions =
    object instanceof PickleDict &&
    object.ordered &&
    state instanceof PickleDict &&
    state.size === 1 &&
    state.entries.get("_metadata") instanceof PickleDict;
  if (versions) return;
  throw new RefusedError(
    `${fileName}: its pickle sets attributes of ${describeValue(object)}, which no plain tensor needs; ${SAVE_INSTEAD}.`,
  );
}

/**
 * The storage that a persistent id means: ("storage", type, key, device, elements).
 * @throws FormatError for any other id.
 */
export function storageOf(id: PickleValue, fileName: string): StorageRef {
  if (isTuple(id) && id.length === 5) {
    const [word, type, key, device, count] = id as [PickleValue, PickleValue, PickleValue, PickleValue, PickleValue];
    const named = word === "storage" && typeof key === "string" && typeof device === "string";
    if (named && type instanceof AllowedGlobal && type.kind === "storage" && isCount(count)) {
      return new StorageRef(key, type.dtype, count);
    }
  }
  throw new FormatError(
    `${fileName}: its pickle has a persistent id that is not a storage of torch.save (${describeValue(id)}); ${SAVE_INSTEAD}.`,
  );
}

/** @returns null for arguments that do not fit */
function rebuild(name: string, args: readonly PickleValue[], fileName: string): PickleDict | TensorRecord | null {
  if (name === ORDERED_DICT) return args.length === 0 ? new PickleDict(true) : null;
  if (name === PARAMETER) {
    const [tensor, grad, hooks] = args;
    const fits = args.length === 3 && typeof grad === "boolean" && isEmptyDict(hooks);
    return fits && tensor instanceof TensorRecord ? tensor : null;
  }
  if (name === TENSOR) return rebuildTensor(args, args[6], null, 7, fileName);
  const dtype = args[6];
  const known = dtype instanceof AllowedGlobal && dtype.kind === "dtype";
  return known ? rebuildTensor(args, args[7], dtype.dtype, 8, fileName) : null;
}

/** @param bytesDtype the element type where the storage is untyped; null where the storage has one. */
function rebuildTensor(
  args: readonly PickleValue[],
  metadata: PickleValue | undefined,
  bytesDtype: Dtype | null,
  mostArguments: number,
  fileName: string,
): TensorRecord | null {
  const [storage, offset, size, stride, grad, hooks] = args;
  if (args.length > mostArguments || typeof grad !== "boolean" || !isEmptyDict(hooks)) return null;
  if (!(storage instanceof StorageRef) || (storage.dtype === null) !== (bytesDtype !== null)) return null;
  if (!isCount(offset) || !isCounts(size) || !isCounts(stride) || size.length !== stride.length) return null;
  if (metadata !== undefined && metadata !== null && !isEmptyDict(metadata)) {
    throw new RefusedError(
      `${fileName} holds a tensor with its conjugate or negative bit set; resolve it with .resolve_conj().resolve_neg() and save it again.`,
    );
  }
  return new TensorRecord(storage, (storage.dtype ?? bytesDtype)!, offset, size, stride);
}

function isTuple(value: PickleValue | undefined): value is readonly PickleValue[] {
  return Array.isArray(value);
}

function isEmptyDict(value: PickleValue | undefined): boolean {
  return value instanceof PickleDict && value.size === 0;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && value >= 0;
}

function isCounts(value: PickleValue | undefined): value is readonly number[] {
  return isTuple(value) && value.length <= MAX_DIMENSIONS && value.every(isCount);
}
