import type { Dtype } from "../../core/dtype.ts";

/** The first four bytes of every GGUF file. */
export const MAGIC = "GGUF";
/** The data and each tensor begin at multiples of this, unless general.alignment says otherwise. */
export const DEFAULT_ALIGNMENT = 32;

/** Types of metadata values, by their number in the format. */
export const VALUE_TYPES = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** A metadata value; 64-bit integers beyond 2^53 are bigints. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

/** How ggml stores elements: in blocks of `block` elements and `bytes` bytes. */
export interface GgmlType {
  readonly name: string;
  readonly block: number;
  readonly bytes: number;
  /** The element type of the raw bytes; null for quantized types. */
  readonly dtype: Dtype | null;
}

const plain = (name: string, bytes: number, dtype: Dtype): GgmlType => ({ name, block: 1, bytes, dtype });
const quantized = (name: string, block: number, bytes: number): GgmlType => ({ name, block, bytes, dtype: null });

/** ggml's types by their number (ggml.h, enum ggml_type); numbers not listed are unknown or withdrawn. */
export const GGML_TYPES: ReadonlyMap<number, GgmlType> = new Map([
  [0, plain("F32", 4, "F32")],
  [1, plain("F16", 2, "F16")],
  [2, quantized("Q4_0", 32, 18)],
  [3, quantized("Q4_1", 32, 20)],
  [6, quantized("Q5_0", 32, 22)],
  [7, quantized("Q5_1", 32, 24)],
  [8, quantized("Q8_0", 32, 34)],
  [9, quantized("Q8_1", 32, 36)],
  [10, quantized("Q2_K", 256, 84)],
  [11, quantized("Q3_K", 256, 110)],
  [12, quantized("Q4_K", 256, 144)],
  [13, quantized("Q5_K", 256, 176)],
  [14, quantized("Q6_K", 256, 210)],
  [15, quantized("Q8_K", 256, 292)],
  [16, quantized("IQ2_XXS", 256, 66)],
  [17, quantized("IQ2_XS", 256, 74)],
  [18, quantized("IQ3_XXS", 256, 98)],
  [19, quantized("IQ1_S", 256, 50)],
  [20, quantized("IQ4_NL", 32, 18)],
  [21, quantized("IQ3_S", 256, 110)],
  [22, quantized("IQ2_S", 256, 82)],
  [23, quantized("IQ4_XS", 256, 136)],
  [24, plain("I8", 1, "I8")],
  [25, plain("I16", 2, "I16")],
  [26, plain("I32", 4, "I32")],
  [27, plain("I64", 8, "I64")],
  [28, plain("F64", 8, "F64")],
  [29, quantized("IQ1_M", 256, 56)],
  [30, plain("BF16", 2, "BF16")],
  [34, quantized("TQ1_0", 256, 54)],
  [35, quantized("TQ2_0", 256, 66)],
  [39, quantized("MXFP4", 32, 17)],
]);

/** The metadata key of the tokens after which an activated LoRA acts. */
export const INVOCATION_KEY = "adapter.alora.invocation_tokens";
