import type { Adapter, AdapterModule } from "../../src/adapter/adapter.ts";
import { StoredEntries } from "../../src/units/stored-entries.ts";
import { type MergedModule, type Nested, product } from "./pico.ts";

type Matrix = readonly (readonly number[])[];

/** One expert's factors: A (r, in) and B (out, r). */
export interface ExpertFactors {
  readonly A: Matrix;
  readonly B: Matrix;
}

/** The factors of all experts as PEFT stores them: A (E r, in) expert after expert, B (out, r E) with the expert fastest. */
export function flatFactors(experts: readonly ExpertFactors[]): { readonly A: Nested; readonly B: Nested } {
  const [first] = experts as [ExpertFactors];
  const columns = first.A.flatMap((_, j) =>
    experts.map(
      ({ B }) =>
        (o: number) =>
          B[o]![j]!,
    ),
  );
  return { A: experts.flatMap(({ A }) => A), B: first.B.map((_, o) => columns.map((column) => column(o))) };
}

/** The delta of each expert (out, in) in a module whose factors are those of all experts, by code that shares nothing with the library. */
export function expertDeltas({ A, B, in: inputs, out, rank, scale }: MergedModule, experts: number): Float64Array[] {
  const own = rank / experts;
  return Array.from({ length: experts }, (_, e) => {
    const a = A.subarray(e * own * inputs, (e + 1) * own * inputs);
    const b = Float64Array.from(
      { length: out * own },
      (_, i) => B[Math.floor(i / own) * rank + (i % own) * experts + e]!,
    );
    return product(b, a, out, own, inputs).map((value) => value * scale);
  });
}

/** scale B A (out, in) of a module, read where its factors lie; they must be f32. */
export async function moduleDelta({ files }: Pick<Adapter, "files">, module: AdapterModule): Promise<Float64Array> {
  const { in: inputs, out, rank, scale } = module;
  const read = async (half: "a" | "b", size: number): Promise<(unit: number, entry: number) => number> => {
    const { bytes, strides } = await StoredEntries.read(files, module[half], 0, size);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return (unit, entry) => view.getFloat32(4 * (unit * strides.unit + entry * strides.entry), true);
  };
  const [a, b] = [await read("a", inputs), await read("b", out)];
  const A = Float64Array.from({ length: rank * inputs }, (_, i) => a(Math.floor(i / inputs), i % inputs));
  const B = Float64Array.from({ length: out * rank }, (_, i) => b(i % rank, Math.floor(i / rank)));
  return product(B, A, out, rank, inputs).map((value) => value * scale);
}
