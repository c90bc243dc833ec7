import type { FactorRef } from "../../src/adapter/adapter.ts";
import { denseFactor } from "../../src/adapter/dense-factor.ts";
import { memorySource } from "../../src/core/bytes.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { poolBytes } from "../../src/units/memory.ts";
import { Pool } from "../../src/units/pool.ts";
import type { PoolPart } from "../../src/units/unit-reader.ts";

/** One module of one adapter, written out by hand: A (r, in), B (out, r). */
export interface Factors {
  readonly A: readonly (readonly number[])[];
  readonly B: readonly (readonly number[])[];
  readonly scale?: number;
  readonly weight?: number;
}

/** Units (1,2|1,2) and (0,3|0,-1) of adapter 0, and (-1,1|4,0) of adapter 1; the pool sorts them to 1:0, 0:1, 0:0. */
export const HAND: readonly Factors[] = [
  {
    A: [
      [1, 2],
      [0, 3],
    ],
    B: [
      [1, 0],
      [2, -1],
    ],
  },
  { A: [[-1, 1]], B: [[4], [0]] },
];

/** A module of adapter `input` in f32, in memory. */
export function partOf({ A, B, scale = 1, weight = 1 }: Factors, input: number): PoolPart {
  const values = Float32Array.from([...A.flat(), ...B.flat()]);
  const split = 4 * A.flat().length;
  const factor = (name: string, shape: number[], begin: number, end: number): FactorRef =>
    denseFactor({ name, file: 0, dtype: "F32", shape, begin, end }, name.includes("lora_A") ? "rows" : "columns", rank);
  const rank = A.length;
  const inputs = A[0]!.length;
  const out = B.length;
  return {
    input,
    name: `adapter ${input}`,
    weight,
    scale,
    files: [memorySource(`adapter ${input}`, new Uint8Array(values.buffer))],
    module: {
      name: "module",
      kind: "linear",
      in: inputs,
      out,
      inputShape: [inputs],
      rank,
      scale,
      a: factor("module.lora_A.weight", [rank, inputs], 0, split),
      b: factor("module.lora_B.weight", [out, rank], split, values.byteLength),
    },
  };
}

/** The pool of a module; inputs of weight 0 are left out, as plans do. */
export async function poolOf(
  kernels: Kernels,
  adapters: readonly Factors[],
  precise = false,
  slab: number | null = null,
  scratch = 0,
): Promise<Pool> {
  const parts = adapters.map(partOf).filter(({ weight }) => weight !== 0);
  const units = parts.reduce((sum, { module }) => sum + module.rank, 0);
  const modules = parts.map(({ module }) => module);
  const bytes = poolBytes(modules, slab, { units: 2 * units, bytes: 8 * units * units + scratch });
  return Pool.survey(kernels, parts, { slab, streamed: false, bytes }, precise);
}

/** B A of rows in kernel memory, (out, in). */
export function deltaOf(
  rows: { count: number; a: Float32Array; b: Float32Array },
  inputs: number,
  out: number,
): number[][] {
  return Array.from({ length: out }, (_, o) =>
    Array.from({ length: inputs }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < rows.count; c++) sum += rows.b[c * out + o]! * rows.a[c * inputs + i]!;
      return sum;
    }),
  );
}

/** scale B A of an adapter's factors, (out, in). */
export function factorsDelta({ A, B, scale = 1 }: Factors): number[][] {
  return B.map((row) => A[0]!.map((_, i) => scale * row.reduce((sum, value, r) => sum + value * A[r]![i]!, 0)));
}

/** The largest difference of entries over the largest entry of the second. */
export function relativeDifference(one: readonly (readonly number[])[], other: readonly (readonly number[])[]): number {
  const largest = Math.max(...other.flat().map(Math.abs));
  const apart = Math.max(...one.flatMap((row, o) => row.map((value, i) => Math.abs(value - other[o]![i]!))));
  return largest === 0 ? apart : apart / largest;
}
