import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { memorySink } from "../../src/core/bytes.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openModel } from "../../src/fuse/base-model.ts";
import { planExtraction } from "../../src/fuse/extract.ts";
import { type ExtractedModule, extractModules } from "../../src/fuse/extract-modules.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { fusedFiles } from "../support/fusing.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { decodeAdapter, openPico } from "../support/pico.ts";

const NAME = "model.layers.0.q_proj";
const kernels = wasmKernels();

function random(seed: number, rows: number, columns: number): number[][] {
  const { uniform } = seededRandom(seed);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(uniform() - 0.5)));
}

/** Fuse an adapter into a random base and extract it again, at most `rank` units: its delta and the share that was kept. */
async function roundTrip(A: number[][], B: number[][], rank: number) {
  const [out, inputs] = [B.length, A[0]!.length];
  const base = await openPicoModel({ [`${NAME}.weight`]: random(1, out, inputs) });
  const r = A.length;
  const adapter = await openPico("adapter", { modules: { [NAME]: { A, B } }, config: { r, lora_alpha: r } });
  const [fused] = await fusedFiles(base, [adapter]);
  const tuned = await openModel(memoryFolder("tuned", { "model.safetensors": fused! }));
  const plan = await planExtraction(base, tuned, { rank });
  const sink = memorySink(plan.layout.size);
  await sink.write(0, plan.layout.header);
  const [{ energy }] = (await extractModules(kernels, base, tuned, plan, plan.modules, sink)) as [ExtractedModule];
  const { delta } = decodeAdapter(JSON.stringify(plan.config), sink.bytes).modules.get(NAME)!;
  return { energy, delta: Matrix.from1DArray(out, inputs, [...delta]) };
}

/** Singular values above f32's rounding. */
function rankOf(of: Matrix): number {
  const { diagonal } = new SingularValueDecomposition(of, { autoTranspose: true });
  return diagonal.filter((value) => value > 1e-6 * diagonal[0]!).length;
}

describe("fuse, then extract", () => {
  const sizes = [
    [9, 12],
    [40, 40],
    [150, 200],
    [200, 150],
  ] as const;
  const cases = sizes.flatMap(([out, inputs]) => [1, 2, 5, 8].map((r) => ({ out, inputs, r })));

  it.each(cases)(
    "gives an adapter of rank $r of $inputs -> $out back, at its rank (1e-5)",
    async ({ out, inputs, r }) => {
      const [A, B] = [random(2, r, inputs), random(3, out, r)];
      const { delta, energy } = await roundTrip(A, B, r);
      const exact = new Matrix(B).mmul(new Matrix(A));
      expect(Matrix.sub(delta, exact).norm() / exact.norm()).toBeLessThan(1e-5);
      expect(rankOf(delta)).toBe(r);
      expect(energy).toBeGreaterThan(1 - 1e-6);
    },
  );

  it.each(cases)(
    "gives no more units than its $r, though more are asked for: $inputs -> $out",
    async ({ out, inputs, r }) => {
      const [A, B] = [random(2, r, inputs), random(3, out, r)];
      const { delta } = await roundTrip(A, B, Math.min(2 * r + 3, out, inputs));
      const exact = new Matrix(B).mmul(new Matrix(A));
      expect(Matrix.sub(delta, exact).norm() / exact.norm()).toBeLessThan(1e-5);
      expect(rankOf(delta)).toBe(r);
    },
  );

  it("gives an adapter of dependent and dead units back at the rank of its delta", async () => {
    const [A, B] = [random(2, 6, 60), random(3, 50, 6)];
    A[1] = A[0]!;
    A[2] = A[2]!.map(() => 0);
    for (const row of B) row[3] = row[4]!;
    const { delta } = await roundTrip(A, B, 6);
    const exact = new Matrix(B).mmul(new Matrix(A));
    expect(Matrix.sub(delta, exact).norm() / exact.norm()).toBeLessThan(1e-5);
    expect(rankOf(delta)).toBe(3);
  });
});
