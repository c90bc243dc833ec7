import type { Adapter, AdapterModule, FactorRef, TensorRef } from "../adapter/adapter.ts";
import type { FormatId } from "../adapter/consumers.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { Kinds } from "../adapter/kinds.ts";
import { commonDtype, type Dtype, type OutputDtype } from "../core/dtype.ts";
import { layoutSafetensors } from "../formats/safetensors/layout.ts";

/** A factor as another format stores it. */
export interface FactorContent {
  readonly kind: "factor";
  readonly factor: FactorRef;
  /** What each unit's entries are multiplied by. */
  readonly times: number;
  /** Where the units lie in the written matrix. */
  readonly units: "rows" | "columns";
  /** Units that are written; those beyond the stored ones are zero. */
  readonly writtenRank: number;
  /** The entries of a unit that are written, in their order; null for all. */
  readonly entries: Int32Array | null;
}

/** A tensor to be written, and where its bytes come from: a factor, several of one size (null for zeros), a copy of another tensor, or bytes at hand. */
export interface WrittenTensor {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major. */
  readonly shape: readonly number[];
  readonly content:
    | FactorContent
    | { readonly kind: "stack"; readonly parts: readonly (FactorContent | null)[] }
    | { readonly kind: "copy"; readonly tensor: TensorRef }
    | { readonly kind: "bytes"; readonly bytes: Uint8Array };
}

/** What an adapter becomes in another format: plain data, made from headers. */
export interface Conversion {
  readonly weightsFile: string;
  readonly tensors: readonly WrittenTensor[];
  /** The weights' file: its first bytes, the range of each tensor, and its size in bytes. */
  readonly layout: {
    readonly header: Uint8Array;
    readonly tensors: ReadonlyMap<string, { readonly begin: number; readonly end: number }>;
    readonly size: number;
  };
  /** The config beside the weights, or null where the format has none. */
  readonly config: { readonly file: string; readonly fields: Readonly<Record<string, unknown>> } | null;
}

/** A folder, or a single file by its suffix. */
export const OUTPUT_FORMS = ["folder", ".safetensors", ".gguf"] as const;
/** What an output is: a folder, or a single file of a suffix. */
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** Turns an adapter into one format. */
export interface Writer {
  readonly id: Exclude<FormatId, "comfyui">;
  /** What messages call it. */
  readonly title: string;
  /** What it may be written as: a folder, or one file of a suffix. */
  readonly forms: readonly OutputForm[];
  /** Kinds of modules that the format holds. */
  readonly kinds: Kinds;
  /** Whether it holds named factors alone: no heads and biases, and no modules that have numbers for names. */
  readonly factorsOnly: boolean;
  /**
   * @param baseConfig config.json of the base model, where the user gave it
   * @throws RefusedError for what the format cannot carry; UsageError where the base must be known
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
 * The element type of a factor that is multiplied: its own where that is exact, else f32. A power of two only moves the exponent, but
 * f16 has so few of them that a smaller number may lose bits (bf16 has as many as f32).
 */
export function dtypeOf({ factor: { dtype }, times }: FactorContent): Dtype {
  if (times === 1) return dtype;
  const exact = Number.isInteger(Math.log2(Math.abs(times)));
  return exact && (dtype === "BF16" || (dtype === "F16" && Math.abs(times) >= 1)) ? dtype : "F32";
}

/** The element type of factors for programs that read f32, f16 and bf16 alone: what all have, where it is one of these, else f32. */
export function plainDtype(factors: readonly FactorContent[]): OutputDtype {
  return commonDtype(factors.map(dtypeOf));
}
