import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { readHeader } from "../../src/formats/safetensors/header.ts";
import { openModel } from "../../src/fuse/base-model.ts";
import { baseConfig, fusedFiles } from "../support/fusing.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { modelFiles } from "../support/models.ts";
import { decodeTensors, openPico, type PicoModule, randomAdapter } from "../support/pico.ts";

/** Relative rounding of each type, and of sums in f32. */
const ROUNDING = { F32: 1e-6, F16: 2 ** -11, BF16: 2 ** -8 };
const KINDS = ["linear", "turned", "embedding", "conv"] as const;

interface Module {
  readonly kind: (typeof KINDS)[number];
  readonly in: number;
  readonly out: number;
}

const module = fc.record({
  kind: fc.constantFrom(...KINDS),
  in: fc.integer({ min: 1, max: 9 }),
  out: fc.integer({ min: 1, max: 9 }),
});
const situation = fc.record({
  modules: fc.array(module, { minLength: 1, maxLength: 4 }),
  ranks: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
  weights: fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }),
  dtype: fc.constantFrom("F32", "F16", "BF16"),
  shards: fc.integer({ min: 1, max: 3 }),
  tied: fc.boolean(),
  seed: fc.nat(),
});

const nameOf = ({ kind }: Module, i: number): string =>
  kind === "turned"
    ? `transformer.h.${i}.attn.c_attn`
    : kind === "embedding"
      ? `model.embed.${i}`
      : `model.layers.${i}.q_proj`;
const isTurned = ({ kind }: Module): boolean => kind === "turned" || kind === "embedding";

describe("fuse of small random adapters", () => {
  it("is W + the sum of weight s B A within rounding, for every kind of module, type and number of shards", async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ modules, ranks, weights, dtype, shards, tied, seed }) => {
        const shapes = Object.fromEntries(
          modules.map((one, i) => [
            nameOf(one, i),
            { in: one.in, out: one.out, kind: one.kind === "turned" ? ("linear" as const) : one.kind },
          ]),
        );
        const picos = ranks.map((rank, t) =>
          randomAdapter(seed + t, { modules: shapes, rank, config: { lora_alpha: 2 * rank + t } }),
        );
        const drawn = randomAdapter(seed + 99, { modules: shapes, rank: 1 });
        const stored = modules.map((one, i): [string, number[][]] => {
          const { A, B } = drawn.modules[nameOf(one, i)]!;
          const matrix = outer(B as number[][], A as number[][]);
          return [`${nameOf(one, i)}.weight`, isTurned(one) ? transposed(matrix) : matrix];
        });
        const tensors = stored.map(([name, matrix], i) => {
          const conv = modules[i]!.kind === "conv";
          return [name, conv ? matrix.map((row) => row.map((value) => [[value]])) : matrix] as const;
        });
        const parts = Array.from({ length: Math.min(shards, tensors.length) }, (_, s) =>
          Object.fromEntries(tensors.filter((_, i) => i % Math.min(shards, tensors.length) === s)),
        );
        const files = modelFiles(parts, dtype as "F32");
        const base = await openModel(memoryFolder("base", files));
        const adapters = await Promise.all(picos.map((pico, t) => openPico(`a${t}`, pico)));
        const config = baseConfig({ model_type: "gpt2", tie_word_embeddings: tied });
        const written = await fusedFiles(base, adapters, { weights: weights.slice(0, ranks.length) }, config);

        const result = new Map(written.flatMap((bytes) => [...decodeTensors(bytes)]));
        const before = new Map(
          Object.entries(files).flatMap(([file, bytes]) =>
            file.endsWith(".safetensors") ? [...decodeTensors(bytes as Uint8Array)] : [],
          ),
        );
        expect([...result.keys()].sort()).toEqual([...before.keys()].sort());
        for (const [i, one] of modules.entries()) {
          const name = nameOf(one, i);
          const own = before.get(`${name}.weight`)!.values;
          const wanted = Float64Array.from(own);
          let size = Math.max(...own.map(Math.abs));
          for (const [t, { modules: factors, config: fields }] of picos.entries()) {
            const scale = (weights[t]! * (fields!.lora_alpha as number)) / ranks[t]!;
            const delta = outer(factors[name]!.B as number[][], (factors[name] as PicoModule).A as number[][]);
            const placed = (isTurned(one) ? transposed(delta) : delta).flat();
            for (const [x, value] of placed.entries()) wanted[x]! += scale * value;
            size += Math.abs(scale) * ranks[t]!;
          }
          const got = result.get(`${name}.weight`)!.values;
          for (const [x, value] of wanted.entries()) {
            expect(Math.abs(got[x]! - value)).toBeLessThanOrEqual(
              ROUNDING[dtype as "F32"] * Math.abs(value) + 1e-6 * size,
            );
          }
        }
        for (const [i, bytes] of written.entries()) {
          const header = await readHeader(memorySource(`shard ${i}`, bytes));
          expect([...header.tensors.keys()].sort()).toEqual(Object.keys(parts[i]!).sort());
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** B (out, r) times A (r, in). */
function outer(b: number[][], a: number[][]): number[][] {
  return b.map((row) =>
    a[0]!.map((_, x) => row.reduce((sum, value, r) => sum + Math.fround(value) * Math.fround(a[r]![x]!), 0)),
  );
}

function transposed(matrix: number[][]): number[][] {
  return matrix[0]!.map((_, x) => matrix.map((row) => row[x]!));
}
