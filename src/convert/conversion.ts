import type { Adapter, AdapterModule, FactorRef, TensorRef } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { Kinds } from "../adapter/kinds.ts";
import { commonDtype, type Dtype, type OutputDtype } from "../core/dtype.ts";
import { layoutSafetensors } from "../formats/safetensors/layout.ts";

/** A factor as another format stores it. */
export interface FactorContent {
  readonly kind: "factor";
  readonly factor: FactorRef;
  /** Each unit's entries are multiplied by this. */
  readonly times: number;
  /** Whether units are rows or columns of the written matrix. */
  readonly units: "rows" | "columns";
  /** Number of units written; those beyond the stored ones are zero. */
  readonly writtenRank: number;
  /** The entries of each unit to write, in this order; null for all. */
  readonly entries: Int32Array | null;
}

/**
 * A tensor to be written and the source of its bytes: a factor; several of one size (null for zeros), one after the other or with element i of
 * each before element i + 1 of any; another tensor; or given bytes.
 */
export interface WrittenTensor {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major. */
  readonly shape: readonly number[];
  readonly content:
    | FactorContent
    | { readonly kind: "stack"; readonly parts: readonly (FactorContent | null)[] }
    | { readonly kind: "interleave"; readonly parts: readonly (FactorContent | null)[] }
    | { readonly kind: "copy"; readonly tensor: TensorRef }
    | { readonly kind: "bytes"; readonly bytes: Uint8Array };
}

/** An adapter in another format: plain data, made from headers alone. */
export interface Conversion {
  readonly weightsFile: string;
  readonly tensors: readonly WrittenTensor[];
  /** The weights' file: header bytes, the range of each tensor, and size in bytes. */
  readonly layout: {
    readonly header: Uint8Array;
    readonly tensors: ReadonlyMap<string, { readonly begin: number; readonly end: number }>;
    readonly size: number;
  };
  /** The file's metadata, for formats that put hashes of the tensors' bytes there, once these are written; the header has room for them. */
  readonly hashed?: Readonly<Record<string, string>>;
  /** The config next to the weights, or null where the format has none. */
  readonly config: { readonly file: string; readonly fields: Readonly<Record<string, unknown>> } | null;
}

/** Turns an adapter into one format. */
export interface FormatWriter {
  /** What messages call it. */
  readonly title: string;
  /** The program that loads the format, where it runs language models only; else null. */
  readonly languageOnly: string | null;
  /** Kinds of modules that the format holds. */
  readonly kinds: Kinds;
  /** Tensors that it holds besides the factors: all, and modules with numbers for names too; what trainers of image models save; or none. */
  readonly extras: "all" | "side-tensors" | "none";
  /**
   * @param baseConfig config.json of the base model, where the user gave it
   * @throws RefusedError for what the format cannot carry; UsageError where it needs the base's config
   */
  convert(adapter: Adapter, baseConfig: AdapterText | null): Conversion;
}

/** Tensors in a safetensors file. */
export function inSafetensors(
  tensors: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>>,
): Pick<Conversion, "tensors" | "layout"> {
  return { tensors, layout: layoutSafetensors(tensors, metadata) };
}

/** A tensor that is written as it is stored. */
export function copiedTensor(name: string, tensor: TensorRef): WrittenTensor {
  return { name, dtype: tensor.dtype, shape: tensor.shape, content: { kind: "copy", tensor } };
}

/** A whole factor at its own rank, laid out as PEFT does: A with its units in rows, B in columns. */
export function wholeFactor(module: AdapterModule, half: "a" | "b", times = 1): FactorContent {
  return {
    kind: "factor",
    factor: module[half],
    times,
    units: half === "a" ? "rows" : "columns",
    writtenRank: module.rank,
    entries: null,
  };
}

/**
 * The element type of a multiplied factor: its own where that is exact, else f32. A power of two only moves the exponent, but f16 has
 * so few exponents that shrinking may lose bits (bf16 has as many as f32).
 */
export function dtypeOf({ factor: { dtype }, times }: FactorContent): Dtype {
  if (times === 1) return dtype;
  const exact = Number.isInteger(Math.log2(Math.abs(times)));
  return exact && (dtype === "BF16" || (dtype === "F16" && Math.abs(times) >= 1)) ? dtype : "F32";
}

/** The element type for programs that read only f32, f16 and bf16: the factors' common one, if it is one of these, else f32. */
export function plainDtype(factors: readonly FactorContent[]): OutputDtype {
  return commonDtype(factors.map(dtypeOf));
}
