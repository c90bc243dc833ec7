import fc from "fast-check";
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { memorySink } from "../../src/core/bytes.ts";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import { parseBaseConfig } from "../../src/fuse/base-config.ts";
import type { BaseModel } from "../../src/fuse/base-model.ts";
import { type ExtractRecipe, planExtraction } from "../../src/fuse/extract.ts";
import { extractionGroups, extractModules } from "../../src/fuse/extract-modules.ts";
import { tightKernels } from "../support/kernels.ts";
import { rejection } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { decodeAdapter, type Nested } from "../support/pico.ts";

/** Extract in memory: the adapter's modules, the figures and the plan. */
async function extracted(base: BaseModel, tuned: BaseModel, recipe: ExtractRecipe, config: object | null = null) {
  const parsed = config && parseBaseConfig(JSON.stringify(config), "config.json");
  const plan = await planExtraction(base, tuned, recipe, parsed);
  const sink = memorySink(plan.layout.size);
  await sink.write(0, plan.layout.header);
  const kernels = tightKernels();
  const figures = [];
  for (const group of extractionGroups(plan))
    figures.push(...(await extractModules(kernels, base, tuned, plan, group, sink)));
  return { plan, figures, modules: decodeAdapter(JSON.stringify(plan.config), sink.bytes).modules };
}

function random(seed: number, rows: number, columns: number): number[][] {
  const { uniform } = seededRandom(seed);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(uniform() - 0.5)));
}

const sum = (one: readonly (readonly number[])[], other: readonly (readonly number[])[]): number[][] =>
  one.map((row, i) => row.map((value, j) => Math.fround(value + other[i]![j]!)));
const product = (b: readonly (readonly number[])[], a: readonly (readonly number[])[]): number[][] =>
  new Matrix(b as number[][]).mmul(new Matrix(a as number[][])).to2DArray();
const W = "model.layers.0.q_proj.weight";

describe("extract", () => {
  it("finds a change of rank one by hand, and what it cannot represent", async () => {
    const base = await openPicoModel({
      [W]: [
        [1, 2],
        [3, 4],
      ],
      "model.norm.weight": [1],
      "model.layers.1.q_proj.weight": [[5]],
    });
    const tuned = await openPicoModel({
      [W]: [
        [4, 6],
        [3, 4],
      ],
      "model.norm.weight": [2],
      "model.layers.1.q_proj.weight": [[5]],
    });
    const { plan, figures, modules } = await extracted(base, tuned, { rank: 4 });
    expect([...modules.keys()]).toEqual(["model.layers.0.q_proj"]);
    const { delta, rank } = modules.get("model.layers.0.q_proj")!;
    for (const [i, value] of [3, 4, 0, 0].entries()) expect(delta[i]).toBeCloseTo(value, 5);
    expect([rank, plan.unrepresented]).toEqual([2, ["model.norm.weight"]]);
    expect(figures).toEqual([
      { name: "model.layers.0.q_proj", norm: expect.closeTo(5, 5), energy: expect.closeTo(1, 6) },
    ]);
  });

  describe("of a tied base and a tuned model with a head of its own", () => {
    const EMBEDDING = "model.embed_tokens.weight";
    const HEAD = "lm_head.weight";
    const TIED = { model_type: "qwen2", tie_word_embeddings: true };
    const before = [
      [1, 2],
      [3, 4],
      [5, 6],
    ];
    const after = [
      [1, 2],
      [3, 5],
      [5, 8],
    ];

    it.each([
      ["head", before, after, ["lm_head"]],
      ["embedding", after, before, ["model.embed_tokens"]],
      ["embedding and head", after, after, ["model.embed_tokens", "lm_head"]],
    ])("finds a change of the %s against the base's embedding", async (_, embedding, head, names) => {
      const base = await openPicoModel({ [EMBEDDING]: before });
      const tuned = await openPicoModel({ [EMBEDDING]: embedding, [HEAD]: head });
      const { plan, modules, figures } = await extracted(base, tuned, { rank: 1 }, TIED);
      expect([[...modules.keys()].toSorted(), figures.map(({ name }) => name), plan.unrepresented]).toEqual([
        names.toSorted(),
        names,
        [],
      ]);
      const { delta } = modules.get(names.at(-1)!)!;
      for (const [i, value] of [0, 0, 0, 1, 0, 2].entries()) {
        // An embedding's LoRA is that of its transpose.
        const at = names.at(-1) === "lm_head" ? i : (i % 2) * 3 + Math.floor(i / 2);
        expect(delta[at]).toBeCloseTo(value, 5);
      }
    });

    it("names the head where nothing may be extracted of it, and refuses one of other rows or of an untied base", async () => {
      const base = await openPicoModel({ [EMBEDDING]: before });
      const tuned = await openPicoModel({ [EMBEDDING]: after, [HEAD]: after });
      const { plan } = await extracted(base, tuned, { rank: 1, exclude: ["lm_head"] }, TIED);
      expect(plan.unrepresented).toEqual([HEAD]);
      const longer = await openPicoModel({ [EMBEDDING]: before, [HEAD]: [...before, [7, 8]] });
      await expect(extracted(base, longer, { rank: 1 }, TIED)).rejects.toThrow(
        "lm_head.weight of (4, 2), not (3, 2) as model.embed_tokens.weight of",
      );
      for (const config of [null, { ...TIED, tie_word_embeddings: false }])
        await expect(extracted(base, tuned, { rank: 1 }, config)).rejects.toThrow("has a tensor lm_head.weight that");
    });
  });

  it("gives the best change of its rank, and says how much of it that keeps", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 6 }), async (seed, rank) => {
        const [rows, columns] = [12, 9];
        const before = random(seed, rows, columns);
        const change = random(seed + 1, rows, columns);
        const after = sum(before, change);
        const [base, tuned] = [await openPicoModel({ [W]: before }), await openPicoModel({ [W]: after })];
        const { figures, modules } = await extracted(base, tuned, { rank });
        const exact = new Matrix(after).sub(new Matrix(before));
        const sigma = new SingularValueDecomposition(exact).diagonal.map((value) => value * value);
        const share =
          sigma.slice(0, rank).reduce((all, value) => all + value, 0) / sigma.reduce((all, value) => all + value, 0);
        expect(figures[0]!.energy).toBeCloseTo(share, 5);
        const { delta } = modules.get("model.layers.0.q_proj")!;
        const left = Matrix.sub(exact, Matrix.from1DArray(rows, columns, [...delta])).norm() / exact.norm();
        expect(left ** 2).toBeCloseTo(1 - share, 4);
      }),
      { numRuns: 25 },
    );
  });

  it("finds a change of low rank in matrices beyond the exact size", async () => {
    const [rows, columns] = [200, 150];
    const before = random(1, rows, columns);
    const after = sum(before, product(random(2, rows, 3), random(3, 3, columns)));
    const [base, tuned] = [await openPicoModel({ [W]: before }), await openPicoModel({ [W]: after })];
    const { figures } = await extracted(base, tuned, { rank: 3 });
    expect(figures[0]!.energy).toBeGreaterThan(1 - 1e-8);
  });

  it.each([
    ["model.embed_tokens", null, [5, 3]],
    ["h.0.attn.c_attn", "gpt2", [5, 3]],
    ["h.0.attn.c_attn", "gpt_bigcode", [3, 5]],
  ])("knows how %s of a %s model is stored: in and out are %j", async (name, modelType, sizes) => {
    const before = random(4, 5, 3);
    const change = product(random(5, 5, 1), random(6, 1, 3));
    const [base, tuned] = [
      await openPicoModel({ [`${name}.weight`]: before }),
      await openPicoModel({ [`${name}.weight`]: sum(before, change) }),
    ];
    const { plan, modules } = await extracted(
      base,
      tuned,
      { rank: 1 },
      modelType === null ? null : { model_type: modelType },
    );
    const { in: inputs, out, delta } = modules.get(name)!;
    expect([inputs, out]).toEqual(sizes);
    const stored = inputs === 5 ? new Matrix(change).transpose() : new Matrix(change);
    expect(Matrix.sub(stored, Matrix.from1DArray(out, inputs, [...delta])).norm()).toBeLessThan(1e-5);
    expect(plan.config.fan_in_fan_out).toBe(modelType === "gpt2");
  });

  it.each([
    [300, 200, "f32"],
    [2000, 30, "f16"],
    [30, 2000, "f32"],
    [10, 700, "bf16"],
  ] as const)("takes no more kernel memory than it asks for (%i x %i in %s)", async (rows, columns, dtype) => {
    const before = random(4, rows, columns);
    const [base, tuned] = [
      await openPicoModel({ [W]: before, "model.layers.1.q_proj.weight": random(5, 40, 40) }),
      await openPicoModel({ [W]: random(6, rows, columns), "model.layers.1.q_proj.weight": random(7, 40, 40) }),
    ];
    const { modules } = await extracted(base, tuned, { rank: 24, dtype });
    expect(modules.get("model.layers.0.q_proj")!.rank).toBe(24);
  });

  it("extracts convolutions, and only the modules that are asked for", async () => {
    const kernel = (seed: number): Nested =>
      random(seed, 4, 18).map((row) => [0, 9].map((at) => [0, 3, 6].map((y) => row.slice(at + y, at + y + 3))));
    const before = { "a.conv.weight": kernel(7), "b.q.weight": random(8, 3, 3) };
    const after = { "a.conv.weight": kernel(9), "b.q.weight": random(10, 3, 3) };
    const [base, tuned] = [await openPicoModel(before), await openPicoModel(after)];
    const { modules, plan } = await extracted(base, tuned, { rank: 2, include: ["conv"] });
    expect(modules.get("a.conv")).toMatchObject({ in: 18, out: 4, rank: 2 });
    expect(plan.unrepresented).toEqual(["b.q.weight"]);
  });

  it.each([
    [{ [W]: [[1]] }, UsageError, /hold the same weights, so there is nothing to extract/],
    [{ [W]: [[1, 2]] }, RefusedError, /has .*q_proj\.weight of \(1, 2\), not \(1, 1\)/],
    [{ other: [[1]] }, RefusedError, /lacks .*q_proj\.weight/],
    [{ [W]: [[1]], other: [[1]] }, RefusedError, /has a tensor other that/],
  ] as [Record<string, Nested>, typeof UsageError, RegExp][])("refuses %j after tuning", async (after, kind, words) => {
    const [base, tuned] = [await openPicoModel({ [W]: [[1]] }), await openPicoModel(after)];
    const error = await rejection(planExtraction(base, tuned, { rank: 1 }));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(words);
  });

  it("keeps the names of language models that begin as an image model's part does", async () => {
    for (const name of [
      "transformer.h.0.attn.c_attn",
      "transformer.h.0.self_attention.query_key_value",
      "transformer.blocks.0.attn.Wqkv",
      "transformer.encoder.layers.0.mlp.dense_h_to_4h",
    ]) {
      const [base, tuned] = await Promise.all(
        [0, 1].map((value) => openPicoModel({ [`${name}.weight`]: [[value, value]] })),
      );
      const { modules } = await extracted(base!, tuned!, { rank: 1 });
      expect([...modules.keys()]).toEqual([name]);
    }
  });

  it("says so where nothing that is asked for differs", async () => {
    const [base, tuned] = [await openPicoModel({ [W]: [[1]] }), await openPicoModel({ [W]: [[2]] })];
    const error = await rejection(planExtraction(base, tuned, { rank: 1, exclude: ["q_proj"] }));
    expect(error.message).toMatch(/No selected matrix differs/);
  });

  it("refuses what leaves the range of f16, and holds it in f32", async () => {
    // Factors of sqrt(1e10) = 100000 each, beyond 65504.
    const [base, tuned] = [await openPicoModel({ [W]: [[0]] }), await openPicoModel({ [W]: [[1e10]] })];
    const error = await rejection(extracted(base, tuned, { rank: 1, dtype: "f16" }));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toBe("model.layers.0.q_proj has values that f16 cannot hold; pass --dtype f32.");
    const { modules } = await extracted(base, tuned, { rank: 1, dtype: "f32" });
    expect(modules.get("model.layers.0.q_proj")!.delta[0]! / 1e10).toBeCloseTo(1, 6);
  });
});
