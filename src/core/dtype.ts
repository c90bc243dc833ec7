/** Bits of each element type, by the names that safetensors uses. */
export const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** An element type, by its safetensors name. */
export type Dtype = keyof typeof DTYPE_BITS;

/** The element types that a LoRA factor may be stored in: those that widen to f32. */
export type FactorDtype = "F64" | "F32" | "F16" | "BF16" | "F8_E4M3" | "F8_E5M2";

/** The element types that lora-lego writes factors in. */
export type OutputDtype = "F32" | "F16" | "BF16";

/** Whether `name` is an element type that safetensors knows. */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(DTYPE_BITS, name);
}

/** The element type for writing tensors of these types: f16 or bf16 if all have it, else f32. */
export function commonDtype(dtypes: Iterable<Dtype>): OutputDtype {
  const [only, ...others] = new Set(dtypes);
  return others.length === 0 && (only === "F16" || only === "BF16") ? only : "F32";
}

/** Bytes of one element; a fraction for types of 4 and 6 bits. */
export function bytesOf(dtype: Dtype): number {
  return DTYPE_BITS[dtype] / 8;
}
