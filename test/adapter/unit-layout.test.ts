import { describe, expect, it } from "vitest";
import type { FactorRef } from "../../src/adapter/adapter.ts";
import { type PoolPart, UnitReader, unitReaderBytes } from "../../src/adapter/unit-reader.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { seededRandom } from "../../src/core/random.ts";
import { BACKENDS } from "../support/kernels.ts";

const RANK = 3;
const SIZES = { a: 1300, b: 1100 };

/** The units of a random half (RANK, size), stored in rows or in columns. */
function factor(units: "rows" | "columns", half: "a" | "b"): { ref: FactorRef; bytes: Uint8Array } {
  const size = SIZES[half];
  const random = seededRandom(half === "a" ? 1 : 2);
  const rows = Float32Array.from({ length: RANK * size }, () => random.uniform() - 0.5);
  const stored =
    units === "rows" ? rows : Float32Array.from(rows, (_, at) => rows[(at % RANK) * size + Math.floor(at / RANK)]!);
  const shape = units === "rows" ? [RANK, size] : [size, RANK];
  const file = half === "a" ? 0 : 1;
  const ref: FactorRef = { name: half, file, dtype: "F32", shape, begin: 0, end: stored.byteLength, units };
  return { ref, bytes: new Uint8Array(stored.buffer) };
}

function partOf(a: "rows" | "columns", b: "rows" | "columns"): PoolPart {
  const [halfA, halfB] = [factor(a, "a"), factor(b, "b")];
  return {
    input: 0,
    name: "adapter",
    weight: 1,
    scale: -4,
    files: [memorySource("a", halfA.bytes), memorySource("b", halfB.bytes)],
    module: {
      name: "module",
      kind: "linear",
      in: SIZES.a,
      out: SIZES.b,
      inputShape: [SIZES.a],
      rank: RANK,
      scale: -4,
      a: halfA.ref,
      b: halfB.ref,
    },
  };
}

describe.each(BACKENDS)("UnitReader on %s", (_, create) => {
  async function rowsOf(part: PoolPart, slab: number | null): Promise<Record<"a" | "b", number[][]>> {
    const kernels = create();
    kernels.reset(unitReaderBytes([part.module], slab));
    const reader = new UnitReader(kernels, [part], slab);
    const rows = { a: [[], [], []] as number[][], b: [[], [], []] as number[][] };
    for (const half of ["a", "b"] as const) {
      await reader.visit(half, (strip, length) => {
        for (let i = 0; i < RANK; i++) rows[half][i]!.push(...strip.subarray(i * length, (i + 1) * length));
      });
    }
    return rows;
  }

  it.each([null, 512])("hands out the same rows however units are stored (slabs of %s columns)", async (slab) => {
    const expected = await rowsOf(partOf("rows", "columns"), null);
    expect(expected.a[1]).toHaveLength(SIZES.a);
    for (const a of ["rows", "columns"] as const) {
      for (const b of ["rows", "columns"] as const) expect(await rowsOf(partOf(a, b), slab)).toEqual(expected);
    }
  });
});
