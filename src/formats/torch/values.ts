import type { Dtype } from "../../core/dtype.ts";

/** How every refusal ends: with what to do. */
export const SAVE_INSTEAD =
  "nothing was executed; if you trust the file, load it in PyTorch and save its tensors with safetensors.torch.save_file";

/** Values in a pickle of tensors. Numbers are integers; no tensor needs floats or lists. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | readonly PickleValue[]
  | PickleDict
  | Unread
  | AllowedGlobal
  | StorageRef
  | TensorRecord;

/** A value that is checked to be well formed but not kept. */
export class Unread {
  readonly kind: "a float" | "a list";

  constructor(kind: "a float" | "a list") {
    this.kind = kind;
  }
}

/** A dict or an OrderedDict. */
export class PickleDict {
  readonly ordered: boolean;
  // Made on demand: one byte of a pickle can ask for a dict, and a Map takes 200.
  private map: Map<PickleValue, PickleValue> | null = null;

  constructor(ordered: boolean) {
    this.ordered = ordered;
  }

  get size(): number {
    return this.map === null ? 0 : this.map.size;
  }

  get entries(): ReadonlyMap<PickleValue, PickleValue> {
    return this.map ?? new Map();
  }

  /** Add an entry. @returns false, and changes nothing, if the key exists */
  add(key: PickleValue, value: PickleValue): boolean {
    this.map ??= new Map();
    if (this.map.has(key)) return false;
    this.map.set(key, value);
    return true;
  }
}

/** A Python name that a pickle of tensors may use. It is only a name: nothing is imported or called. */
export class AllowedGlobal {
  readonly name: string;
  readonly kind: "function" | "storage" | "dtype";
  /** The element type of a storage or a dtype; null for functions and untyped storages. */
  readonly dtype: Dtype | null;

  constructor(name: string, kind: "function" | "storage" | "dtype", dtype: Dtype | null) {
    this.name = name;
    this.kind = kind;
    this.dtype = dtype;
  }
}

/** A storage: bytes of the archive that hold one or more tensors. */
export class StorageRef {
  /** Name of its entry in the archive's folder "data". */
  readonly key: string;
  /** Element type; null for untyped storages, whose tensors give it. */
  readonly dtype: Dtype | null;
  /** Number of elements, or of bytes in an untyped storage. */
  readonly count: number;

  constructor(key: string, dtype: Dtype | null, count: number) {
    this.key = key;
    this.dtype = dtype;
    this.count = count;
  }
}

/** A tensor as its pickle describes it: a view of a storage, in elements. */
export class TensorRecord {
  readonly storage: StorageRef;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly size: readonly number[];
  readonly stride: readonly number[];

  constructor(storage: StorageRef, dtype: Dtype, offset: number, size: readonly number[], stride: readonly number[]) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.size = size;
    this.stride = stride;
  }
}

/** What messages call a value, never long. */
export function describeValue(value: PickleValue): string {
  if (value === null) return "None";
  if (typeof value === "string") return "a string";
  if (typeof value === "object" && value instanceof PickleDict) return "a dict";
  if (value instanceof Unread) return value.kind;
  if (value instanceof AllowedGlobal) return value.name;
  if (value instanceof StorageRef) return "a storage";
  if (value instanceof TensorRecord) return "a tensor";
  return typeof value === "object" ? "a tuple" : String(value);
}
