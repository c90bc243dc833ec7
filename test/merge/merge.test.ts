import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { type MergedAdapter, mergeInMemory, mergeToSink } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { rejection } from "../support/memory-folder.ts";
import {
  decodeAdapter,
  type Merged,
  openPico,
  type PicoAdapter,
  type PicoModule,
  randomAdapter,
  relativeError,
} from "../support/pico.ts";

const merge = (adapters: readonly Adapter[], recipe: Recipe = {}): Promise<MergedAdapter> =>
  mergeInMemory(adapters, recipe);

const decoded = ({ config, weights }: MergedAdapter): Merged => decodeAdapter(JSON.stringify(config), weights);

const openAll = (adapters: readonly PicoAdapter[]): Promise<Adapter[]> =>
  Promise.all(adapters.map((adapter, i) => openPico(`a${i}`, adapter)));

/** The bytes of an adapter's only file. */
async function fileOf({ files: [file] }: Adapter): Promise<Uint8Array> {
  const bytes = new Uint8Array(file!.size);
  await file!.read(0, bytes);
  return bytes;
}

describe("an adapter that changes nothing", () => {
  it("leaves a rank that nobody asked for unmentioned, where dead units make it smaller still", async () => {
    const one = (seed: number): PicoAdapter => ({
      modules: {
        q: {
          A: [[seed, 1, 2], ...Array<number[]>(3).fill([0, 0, 0])],
          B: [1, seed].map((value) => [value, 0, 0, 0]),
        },
      },
    });
    const nothing: PicoAdapter = {
      modules: { q: { A: Array<number[]>(6).fill([0, 0, 0]), B: Array<number[]>(2).fill([0, 0, 0, 0, 0, 0]) } },
    };
    const { plan, report } = await merge(await openAll([one(1), one(2), nothing]), { method: "svd" });
    expect(plan.rank).toBe(2);
    expect(report.warnings.map(({ id }) => id)).toEqual(["zero-adapter"]);
  });

  const modules = { q: { in: 9, out: 8 } };
  const zero: PicoAdapter = {
    modules: {
      q: { A: Array<number[]>(6).fill(Array<number>(9).fill(0)), B: Array<number[]>(8).fill([0, 0, 0, 0, 0, 0]) },
    },
  };

  it("leaves the rank that was chosen for a program within what the program takes", async () => {
    const large = { rank: 130, modules: { "model.layers.0.self_attn.q_proj": { in: 132, out: 131 } } };
    const zeros = (rows: number, columns: number) => Array.from({ length: rows }, () => Array<number>(columns).fill(0));
    const q = { A: zeros(130, 132), B: zeros(131, 130) };
    const nothing: PicoAdapter = { modules: { "model.layers.0.self_attn.q_proj": q } };
    const { plan } = await merge(await openAll([randomAdapter(1, large), nothing]), { method: "auto", for: "tgi" });
    expect(plan.rank).toBe(128);
  });

  it.each(["lego", "svd"])("leaves %s at the rank and the bytes that it has without it", async (method) => {
    const acting = [1, 2, 3].map((seed) => randomAdapter(seed, { rank: 4, modules }));
    const [without, beside] = [
      await merge(await openAll(acting), { method } as Recipe),
      await merge(await openAll([...acting, zero]), { method } as Recipe),
    ];
    expect(without.plan.rank).toBe(4);
    expect(beside.plan.rank).toBe(without.plan.rank);
    expect(beside.weights).toEqual(without.weights);
    expect(beside.report.warnings.map(({ id }) => id)).toEqual(["zero-adapter"]);
  });
});

/** A module of rank 1: delta = b a^T. */
const unit = (a: readonly number[], b: readonly number[]): PicoModule => ({ A: [a], B: b.map((value) => [value]) });

const KINDS = {
  modules: {
    "l.0.q": { in: 5, out: 4 },
    "l.1.q": { in: 3, out: 6, rank: 1 },
    embed: { in: 9, out: 4, kind: "embedding" },
  },
  rank: 3,
  config: { rank_pattern: { "l.1.q": 1 }, alpha_pattern: { "l.1.q": 2 }, lora_alpha: 6 },
} as const;

describe("one adapter", () => {
  it.each(["F32", "F16", "BF16"] as const)(
    "with one scale comes back bit for bit in %s, by every method",
    async (dtype) => {
      const adapter = randomAdapter(1, { ...KINDS, dtype });
      const adapters = await openAll([adapter]);
      const weights = await fileOf(adapters[0]!);
      for (const method of ["lego", "cat", "average"]) {
        const merged = await merge(adapters, { method, rankLayout: "pattern" } as Recipe);
        expect(merged.weights).toEqual(weights);
        expect(merged.config).toMatchObject({
          r: 3,
          lora_alpha: 6,
          rank_pattern: { "l.1.q": 1 },
          alpha_pattern: { "l.1.q": 2 },
        });
      }
    },
  );

  it.each([
    ["f32", 1e-6],
    ["f16", 1e-3],
    ["bf16", 4e-3],
  ] as const)("with differing scales keeps its delta in %s (%d)", async (dtype, most) => {
    const config = { r: 2, lora_alpha: 3, alpha_pattern: { "layers.0.q_proj": -0.7 } };
    const adapters = await openAll([randomAdapter(2, { config })]);
    const merged = decoded(await merge(adapters, { dtype }));
    const { modules } = decodeAdapter(JSON.stringify(config), await fileOf(adapters[0]!));
    for (const [name, { delta }] of modules) {
      expect(relativeError(merged.modules.get(name)!.delta, delta)).toBeLessThan(most);
    }
  });
});

describe("a merged file", () => {
  it("holds lambda times the weighted sum, its sign in B", async () => {
    const adapters = await openAll([
      { modules: { q: unit([1, 2], [4, 0]) } },
      { modules: { q: unit([0, 1], [1, 1]) } },
    ]);
    const { modules } = decoded(await merge(adapters, { method: "cat", weights: [1, -4], scale: -0.25 }));
    // -0.25 ([[4, 8], [0, 0]] - 4 [[0, 1], [0, 1]])
    expect([...modules.get("q")!.delta]).toEqual([-1, -1, 0, 1]);
    expect([...modules.get("q")!.A]).toEqual([0.5, 1, 0, 1]);
    expect(Array.from(modules.get("q")!.B, (value) => value + 0)).toEqual([-2, 1, 0, 1]);
  });

  it("pads shorter modules with zero units up to the one rank", async () => {
    const two = {
      A: [
        [1, 2],
        [3, 4],
      ],
      B: [
        [5, 6],
        [7, 8],
      ],
    };
    const adapter = {
      modules: { k: two, q: unit([1, 2], [3, 4]) },
      config: { rank_pattern: { q: 1 }, alpha_pattern: { q: 1 } },
    };
    const { modules } = decoded(await merge(await openAll([adapter]), {}));
    expect(modules.get("q")).toMatchObject({ rank: 2, scale: 1 });
    expect([...modules.get("q")!.A]).toEqual([1, 2, 0, 0]);
    expect([...modules.get("q")!.B]).toEqual([3, 0, 4, 0]);
  });

  it("has no higher rank than values need: dead units make it smaller", async () => {
    const dead = {
      A: [
        [1, 2],
        [0, 0],
        [3, 4],
      ],
      B: [
        [5, 1, 0],
        [7, 1, 0],
      ],
    };
    const merged = await merge(await openAll([{ modules: { q: dead, k: dead } }]));
    expect(merged.config.r).toBe(1);
    expect(merged.plan.rank).toBe(1);
    expect([...decoded(merged).modules.get("q")!.A]).toEqual([1, 2]);
    const zero = await merge(await openAll([{ modules: { q: unit([1, 2], [0, 0]) } }]));
    expect(decoded(zero).modules.get("q")).toMatchObject({
      rank: 1,
      A: Float64Array.of(0, 0),
      B: Float64Array.of(0, 0),
    });
  });

  it("keeps the shapes of convolutions and embeddings", async () => {
    const conv = { kind: "conv", A: [[[[1, 2, 3]], [[4, 5, 6]]]], B: [[[[2]]], [[[0]]]] } as const;
    const embed = { kind: "embedding", A: [[1, 2, 3]], B: [[1], [2]] } as const;
    const adapters = await openAll([{ modules: { c: conv, e: embed } }, { modules: { c: conv, e: embed } }]);
    const merged = await merge(adapters, { method: "lego" });
    const tensors = merged.plan.modules.map(({ name, kind }) => [name, kind]);
    expect(tensors).toEqual([
      ["c", "conv"],
      ["e", "embedding"],
    ]);
    const { modules } = decoded(merged);
    expect([...modules.get("c")!.delta]).toEqual([2, 4, 6, 8, 10, 12, 0, 0, 0, 0, 0, 0]);
    expect([...modules.get("e")!.delta]).toEqual([1, 2, 3, 2, 4, 6]);
  });

  it("refuses values that its dtype cannot hold, naming the module and the way out", async () => {
    const adapters = await openAll([{ modules: { q: unit([70_000, 1], [1, 1]) } }]);
    const error = await rejection(merge(adapters, { dtype: "f16" }));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toBe("q has values that f16 cannot hold (they would become infinite); pass --dtype f32.");
    await merge(adapters, { dtype: "bf16" });
  });

  it.each([
    {},
    { method: "lego" },
    { method: "lego", target: { kind: "rank", rank: 2 } },
    { method: "average" },
    { method: "lego", options: { gauge: "svd", sign: "line" } },
  ] as const)("has the same bytes from any order of the inputs, with their weights (%j)", async (recipe) => {
    const adapters = await openAll([1, 2, 3].map((seed) => randomAdapter(seed, { rank: 1 + seed })));
    const weights = [0.1, 0.2, 0.3];
    const expected = (await merge(adapters, { ...recipe, weights })).weights;
    for (const order of [
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const turned = { ...recipe, weights: order.map((t) => weights[t]!) };
      expect(
        (
          await merge(
            order.map((t) => adapters[t]!),
            turned,
          )
        ).weights,
      ).toEqual(expected);
    }
  });
});

describe("a merge", () => {
  it("writes the zero factors of a program that wants every layer, whatever the sink held before", async () => {
    const at = (layer: number) => `model.layers.${layer}.self_attn.q_proj`;
    const sized = (layer: number) => ({ rank: 8, modules: { [at(layer)]: { in: 9, out: 8 } } });
    const adapters = await openAll([randomAdapter(1, sized(0)), randomAdapter(2, sized(2))]);
    const recipe = { for: "tgi", allowPartial: true } as const;
    const clean = await merge(adapters, recipe);
    let held = new Uint8Array(0);
    const { plan } = await mergeToSink(adapters, recipe, ({ size }) => {
      held = new Uint8Array(size).fill(255);
      return { write: async (offset, bytes) => held.set(bytes, offset) };
    });
    expect(plan.zeros.map(({ name }) => name)).toContain(at(1));
    expect(held).toEqual(clean.weights);
  });

  it("tells its progress, module by module", async () => {
    const seen: number[][] = [];
    const adapters = await openAll([randomAdapter(1, { extras: { "base_model.model.score.weight": [1] } })]);
    await mergeInMemory(adapters, {}, { onProgress: ({ done, total }) => seen.push([done, total]) });
    expect(seen).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  it("ends when its signal fires, with the signal's reason", async () => {
    const adapters = await openAll([randomAdapter(1)]);
    const control = new AbortController();
    const work = mergeInMemory(
      adapters,
      {},
      { signal: control.signal, onProgress: () => control.abort(new Error("enough")) },
    );
    expect((await rejection(work)).message).toBe("enough");
    await expect(mergeInMemory(adapters, {}, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});
