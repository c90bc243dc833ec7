import { describe, expect, it } from "vitest";
import type { ComparedRecipe } from "../../src/analysis/compare.ts";
import { compareMethods } from "../../src/analysis/compare.ts";
import { comparePage } from "../../src/analysis/compare-page.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { METHODS } from "../../src/methods/registry.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { tightKernels } from "../support/kernels.ts";
import { keyOf, openPeft } from "../support/memory-folder.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

function tensor(name: string, shape: number[], values: readonly number[]): TensorData {
  return { name, dtype: "F32", shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

/** An adapter of module q with A (r, in) and B (out, r) given flat, scale 1. */
function adapter(name: string, rank: number, a: readonly number[], b: readonly number[], module = "q") {
  const tensors = [
    tensor(keyOf(module, "lora_A.weight"), [rank, a.length / rank], a),
    tensor(keyOf(module, "lora_B.weight"), [b.length / rank, rank], b),
  ];
  return openPeft(tensors, { r: rank, lora_alpha: rank }, name);
}

function random(name: string, seed: number, rank: number) {
  const { uniform } = seededRandom(seed);
  const values = (count: number): number[] => Array.from({ length: count }, () => uniform() - 0.5);
  return adapter(name, rank, values(rank * 60), values(rank * 70));
}

describe("compareMethods", () => {
  it("counts signs, cosines and similarity by hand", async () => {
    // D_0 = [[1, 1], [0, 0]], D_1 = [[-3, 0], [0, 0]]; sum [[-2, 1], [0, 0]]: it differs from D_0 in one of two entries, from D_1 in
    // none of one. Cosine between them: -3 / (sqrt 2 * 3).
    const adapters = [await adapter("one", 1, [1, 1], [1, 0]), await adapter("other", 1, [-3, 0], [1, 0])];
    const { merges, similarity } = await compareMethods(tightKernels(), adapters, [{ method: "cat" }], [1, 1]);
    expect(merges).toHaveLength(1);
    expect(merges[0]).toMatchObject({ method: "cat", rank: 2, composition: [], bytes: 2 * 4 * 4 });
    expect(merges[0]!.signConflicts).toBeCloseTo(1 / 3, 12);
    expect(merges[0]!.cosines[1]).toBeCloseTo(2 / Math.sqrt(5), 6);
    expect(similarity[0]![1]).toBeCloseTo(-1 / Math.SQRT2, 6);
    expect(similarity[1]![1]).toBeCloseTo(1, 6);
  });

  it("marks what auto takes by itself, at its rank, once", async () => {
    const three = await Promise.all([1, 2, 3].map((seed) => random(`a${seed}`, seed, 2)));
    const recipes = [{ method: "tsv" }, { method: "svd" }, { method: "auto" }] as ComparedRecipe[];
    const { merges, alike } = await compareMethods(tightKernels(), three, recipes, [1, 1, 1]);
    // Three adapters of rank 2 get twice that rank.
    expect(merges.map(({ method, rank, auto }) => [method, rank, auto])).toEqual([
      ["tsv", 2, false],
      ["svd", 2, false],
      ["tsv", 4, true],
    ]);
    const two = await compareMethods(tightKernels(), three.slice(1), recipes, [1, 1]);
    expect(two.merges.map(({ method, rank, auto }) => [method, rank, auto])).toEqual([
      ["tsv", 2, true],
      ["svd", 2, false],
    ]);
    expect([alike, two.alike]).toEqual([[], []]);
  });

  it("names the flag that takes adapters of different modules", async () => {
    const apart = [await adapter("one", 1, [1], [1]), await adapter("other", 1, [1], [1], "v")];
    const comparison = compareMethods(tightKernels(), apart, [{ method: "cat" }], [1, 1]);
    await expect(comparison).rejects.toThrow(
      /share no module; merge adapters of one base model, or pass --allow-partial if these are/,
    );
    const { merges } = await compareMethods(tightKernels(), apart, [{ method: "cat" }], [1, 1], true);
    expect(merges[0]!.cosines).toEqual([expect.closeTo(Math.SQRT1_2, 6), expect.closeTo(Math.SQRT1_2, 6)]);
  });

  it("takes no names from an adapter of weight 0, and refuses nothing for it", async () => {
    const names = ["model.layers.0.q", "model.language_model.layers.0.q"];
    const sizes = Object.fromEntries(names.map((name) => [name, { in: 4, out: 3 }]));
    const twice = await openPico("twice", randomAdapter(1, { modules: sizes }));
    const one = await openPico("one", randomAdapter(2, { modules: { [names[0]!]: { in: 4, out: 3 } } }));
    const { merges } = await compareMethods(tightKernels(), [twice, one], [{ method: "cat" }], [0, 1]);
    expect(merges[0]!.cosines[1]).toBeCloseTo(1, 6);
  });

  it("gives spectra relative to the largest value, by hand", async () => {
    // Singular values 4 and 2, and 3; their sum has 7 and 2.
    const adapters = [await adapter("one", 2, [4, 0, 0, 1], [1, 0, 0, 2]), await adapter("other", 1, [3, 0], [1, 0])];
    const { merges, spectra } = await compareMethods(tightKernels(), adapters, [{ method: "svd" }], [1, 1]);
    const near = (values: number[]) => values.map((value) => expect.closeTo(value, 6));
    expect(spectra).toEqual([near([1, 0.5]), near([1])]);
    expect(merges[0]!.spectrum).toEqual(near([1, 2 / 7]));
  });

  it("gives the figures of a merge, for every method that takes the adapters", async () => {
    const adapters = [await random("one", 1, 4), await random("other", 2, 4)];
    const recipes = METHODS.map(({ id }) => ({ method: id, target: { kind: "rank", rank: 3 } as const }));
    const { merges, refused } = await compareMethods(tightKernels(), adapters, recipes as ComparedRecipe[], [1, 2]);
    expect([...merges, ...refused]).toHaveLength(METHODS.length);
    for (const { method, rank, normRatio, energy, cosines } of merges) {
      const target = { kind: "rank", rank: 3 } as const;
      const { totals } = (await mergeInMemory(adapters, { method, target, weights: [1, 2] } as Recipe)).report;
      expect(rank, method).toBe(totals.rank);
      for (const [found, merged] of [
        [normRatio, totals.normRatio],
        [energy, totals.energy],
        [cosines[0], totals.cosines[0]],
        [cosines[1], totals.cosines[1]],
      ]) {
        expect(Math.abs(found! - merged!), method).toBeLessThan(1e-5);
      }
    }
  });

  it("says why a method does not take the adapters, and goes on with the others", async () => {
    const adapters = [await random("one", 1, 4), await random("other", 2, 3)];
    const { merges, refused } = await compareMethods(
      tightKernels(),
      adapters,
      [{ method: "linear" }, { method: "svd" }],
      [1, 1],
    );
    expect(merges.map(({ method }) => method)).toEqual(["svd"]);
    expect(refused).toEqual([
      { method: "linear", reason: expect.stringContaining("linear needs adapters of equal rank") },
    ]);
  });

  it("shows a method once whose ranks come out alike, and ranks by energy apart, which only the modules tell", async () => {
    const adapters = [await random("one", 1, 4), await random("other", 2, 4)];
    const ranked = [3, 12].map((rank) => ({ method: "ties", target: { kind: "rank", rank } as const }));
    const energetic = [0.5, 0.99].map((threshold) => {
      const target = { kind: "energy", rule: "sv_fro", threshold } as const;
      return { method: "svd", target };
    });
    const all = [...ranked, { ...ranked[1]!, target: { kind: "rank", rank: 20 } as const }, ...energetic];
    const { merges, alike } = await compareMethods(tightKernels(), adapters, all as ComparedRecipe[], [1, 1]);
    expect(merges.map(({ method }) => method)).toEqual(["ties", "ties", "svd", "svd"]);
    expect(alike).toEqual(["ties"]);
    expect(merges[2]!.rank).toBeLessThan(merges[3]!.rank);
  });

  it("shares out no budget", async () => {
    const adapters = [await random("one", 1, 4), await random("other", 2, 4)];
    const target = { kind: "budget", rank: 2 } as const;
    const { merges, refused } = await compareMethods(tightKernels(), adapters, [{ method: "svd", target }], [1, 1]);
    expect(merges).toEqual([]);
    expect(refused).toEqual([
      {
        method: "svd",
        reason: "A comparison looks at each module once and shares out no budget; pass a rank, or merge instead.",
      },
    ]);
  });

  it("refuses adapters that do not fit each other", async () => {
    const adapters = [await random("one", 1, 4), await adapter("other", 1, [1, 2], [3], "k")];
    const comparison = compareMethods(tightKernels(), adapters, [{ method: "svd" }], [1, 1]);
    await expect(comparison).rejects.toThrow(RefusedError);
  });

  it("counts of how many adapters clusters draw", async () => {
    // The second units are equal; the first ones are far from all others.
    const adapters = [
      await adapter("one", 2, [9, 0, 1, 1], [1, 1, 0, 0]),
      await adapter("other", 2, [-9, 5, 1, 1], [1, 1, 0, 0]),
    ];
    const target = { kind: "rank", rank: 3 } as const;
    const { merges } = await compareMethods(tightKernels(), adapters, [{ method: "lego", target }], [1, 1]);
    expect(merges[0]!.composition).toEqual([
      [0, 2],
      [2, 1],
    ]);
  });
});

describe("comparePage", () => {
  it("is one page with a row for each merge, and shows names as text", async () => {
    const adapters = [await random("<script>", 1, 4), await random("a & b", 2, 3)];
    const recipes = [{ method: "lego" }, { method: "svd" }, { method: "linear" }];
    const page = comparePage(await compareMethods(tightKernels(), adapters, recipes as ComparedRecipe[], [1, 1]));
    expect(page).not.toContain("<script");
    expect(page).toContain("a &#38; b");
    // Heads and rows of the table of figures, and of that of the spectra, which has the adapters too.
    expect(page.match(/<tr>/g)).toHaveLength(3 + 5);
    expect(page).toContain("Singular spectra");
    expect(page.match(/<polyline/g)).toHaveLength(4);
    expect(page).toContain("linear needs adapters of equal rank");
    expect(page).not.toMatch(/(src|href)=/);
    expect(page).not.toMatch(/NaN|undefined/);
  });
});
