import type { FactorDtype } from "../../src/core/dtype.ts";
import type { Random } from "../../src/core/random.ts";
import type { Kernels, RowSums } from "../../src/kernels/kernels.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";

export const FACTOR_DTYPES: FactorDtype[] = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"];
export const BACKENDS: [string, () => Kernels][] = [
  ["wasm", wasmKernels],
  ["reference", referenceKernels],
];

export const MEGABYTE: number = 2 ** 20;
export const SENTINEL: number = 12345;

export function fresh(create: () => Kernels, bytes: number = 4 * MEGABYTE): Kernels {
  const kernels = create();
  kernels.reset(bytes);
  return kernels;
}

/** Kernels whose arena adds next to nothing to what `reset` asks for, so that a sum that is too small shows. */
export function tightKernels(kernels: Kernels = wasmKernels()): Kernels {
  return { ...kernels, reset: (bytes) => kernels.reset(bytes - 15 * 1024) };
}

export function floats(kernels: Kernels, values: ArrayLike<number>): Float32Array {
  const view = kernels.f32(values.length);
  view.set(values);
  return view;
}

/** A copy of `bytes` in the arena, `shift` bytes past an aligned address. */
export function shifted(kernels: Kernels, bytes: Uint8Array, shift: number): Uint8Array {
  const view = kernels.bytes(bytes.length + shift).subarray(shift);
  view.set(bytes);
  return view;
}

export function bytesOf16(bits: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Uint16Array.from(bits).buffer);
}

export function bitsOf16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.slice().buffer);
}

/** Up to eight differences, told apart as Object.is does (-0 is not 0, NaN is NaN). */
export function differences(actual: ArrayLike<number>, expected: ArrayLike<number>): string[] {
  const found: string[] = actual.length === expected.length ? [] : [`length ${actual.length} for ${expected.length}`];
  for (let i = 0; i < expected.length && found.length < 8; i++) {
    if (!Object.is(actual[i], expected[i])) found.push(`[${i}] ${actual[i]} for ${expected[i]}`);
  }
  return found;
}

/** Weights of many sizes, with zeros, -0 and subnormals among them. */
function weight(random: Random): number {
  const kind = random.below(40);
  if (kind === 0) return 0;
  if (kind === 1) return -0;
  const size = kind === 2 ? 1e-41 : kind < 6 ? 10 ** (random.uniform() * 8 - 6) : 0.05;
  return Math.fround((random.uniform() - 0.5) * size);
}

export function weights(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => weight(random));
}

/** `values` in the bytes of a dtype; f8 takes arbitrary finite bytes. */
export function encoded(dtype: FactorDtype, random: Random, length: number): Uint8Array {
  if (dtype === "F64") return new Uint8Array(Float64Array.from({ length }, () => weight(random) * 1.000000001).buffer);
  if (dtype === "F32") return new Uint8Array(weights(random, length).buffer);
  if (dtype === "F16") return bytesOf16(Array.from({ length }, () => (random.below(31) << 10) | random.below(1024)));
  if (dtype === "BF16") return bytesOf16(Array.from({ length }, () => 0x8000 | random.below(0x4400)));
  return Uint8Array.from({ length }, () => random.below(0x7c) | (random.below(2) << 7));
}

/** Widen elements side by side into all of `dst`. */
export function widenAll(
  kernels: Kernels,
  dtype: FactorDtype,
  src: Uint8Array,
  dst: Float32Array,
  factor: number,
): boolean {
  return kernels.widen(dtype, src, dst.length, 1, dst.length, dst, dst.length, factor);
}

/** Sums over rows, each given as [member, coefficient] pairs. */
export function rowSums(kernels: Kernels, sums: readonly (readonly (readonly [number, number])[])[]): RowSums {
  const all = sums.flat();
  const offsets = kernels.u32(sums.length + 1);
  offsets[0] = 0;
  for (const [s, terms] of sums.entries()) offsets[s + 1] = offsets[s]! + terms.length;
  const members = kernels.u32(all.length);
  members.set(all.map(([member]) => member));
  return {
    offsets,
    members,
    coefficients: floats(
      kernels,
      all.map(([, coefficient]) => coefficient),
    ),
  };
}

/** One weighted sum of rows into all of `dst`. */
export function combineOne(
  kernels: Kernels,
  rows: Float32Array,
  stride: number,
  members: readonly number[],
  coefficients: readonly number[],
  dst: Float32Array,
): void {
  const sums = rowSums(kernels, [members.map((member, m) => [member, coefficients[m]!] as const)]);
  kernels.combine(rows, stride, dst.length, sums, dst, dst.length);
}

/** The whole (count, count) matrix of a kernel that adds to the upper triangle; fails where it writes past the matrix. */
export function wholeMatrix(kernels: Kernels, count: number, kernel: (out: Float64Array) => void): number[] {
  const out = kernels.f64(count * count + 4).fill(0);
  out.fill(SENTINEL, count * count);
  kernel(out);
  if (out.subarray(count * count).some((x) => x !== SENTINEL)) throw new Error("wrote past the matrix");
  return Array.from({ length: count * count }, (_, cell) => {
    const [i, j] = [Math.floor(cell / count), cell % count];
    return out[Math.min(i, j) * count + Math.max(i, j)]!;
  });
}
