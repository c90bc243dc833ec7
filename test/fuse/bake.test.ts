import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { bakeDora } from "../../src/fuse/bake.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { loadRecipe, runRecipe } from "../../src/node/run-recipe.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { moduleDelta } from "../support/experts.ts";
import { keyOf, openPeft, rejection } from "../support/memory-folder.ts";
import { openPicoModel, writeModel } from "../support/models.ts";
import { encodeTensor, type Nested, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";

const Q = "q";
/** W (2, 2) and a delta B A of [[0, 0], [3, 0]]: the rows of the sum are (3, 4) and (3, 0), of norms 5 and 3. */
const W = [
  [3, 4],
  [0, 0],
];
const [A, B] = [[[3, 0]], [[0], [1]]];
const MAGNITUDES = [10, 1];
/** The rows at these magnitudes, (6, 8) and (1, 0), less W. */
const CHANGE = [3, 4, 1, 0];

const kernels = () => ({ rows: wasmKernels(), units: wasmKernels() });
const dora = (magnitudes: Nested = MAGNITUDES, more: readonly ReturnType<typeof encodeTensor>[] = []) =>
  openPeft(
    [
      encodeTensor(keyOf(Q, "lora_A.weight"), A),
      encodeTensor(keyOf(Q, "lora_B.weight"), B),
      encodeTensor(keyOf(Q, "lora_magnitude_vector"), magnitudes),
      ...more,
    ],
    { r: 1, lora_alpha: 1, use_dora: true },
  );
const base = () => openPicoModel({ [`${Q}.weight`]: W });
const baked = async (rank: number | null, adapter?: Adapter) =>
  bakeDora(kernels(), adapter ?? (await dora()), await base(), null, rank);
const close = (found: Iterable<number>, expected: readonly number[]) => {
  for (const [i, value] of [...found].entries()) expect(value).toBeCloseTo(expected[i]!, 5);
};

describe("DoRA as a plain LoRA (--dora bake)", () => {
  it("is the whole change at full rank, with the scale 1", async () => {
    const adapter = await baked(2);
    expect([adapter.variants, adapter.magnitudes.size]).toEqual([[], 0]);
    const module = adapter.modules.get(Q)!;
    expect([module.rank, module.scale]).toEqual([2, 1]);
    close(await moduleDelta(adapter, module), CHANGE);
    expect(adapter.notices.at(-1)!.id).toBe("dora-baked");
    expect(adapter.notices.at(-1)!.text).toMatch(/LoRA of rank 2, which keeps 100\.0% of its squared norm/);
  });

  it("keeps the module's own rank by default, and says what is lost", async () => {
    const adapter = await baked(null);
    const module = adapter.modules.get(Q)!;
    expect(module.rank).toBe(1);
    const delta = await moduleDelta(adapter, module);
    const lost = delta.reduce((sum, value, i) => sum + (value - CHANGE[i]!) ** 2, 0) / 26;
    // The singular values of the change have the squares 13 +- sqrt(13^2 - 4^2).
    expect(lost).toBeCloseTo((13 - Math.sqrt(153)) / 26, 5);
    const said = `keeps ${(100 * (1 - lost)).toFixed(1)}% of its squared norm (relative error ${Math.sqrt(lost).toPrecision(2)})`;
    expect(adapter.notices.at(-1)!.text).toContain(said);
  });

  it("is one zero unit where nothing changes", async () => {
    const still = await openPeft(
      [
        encodeTensor(keyOf(Q, "lora_A.weight"), A),
        encodeTensor(keyOf(Q, "lora_B.weight"), [[0], [0]]),
        encodeTensor(keyOf(Q, "lora_magnitude_vector"), [5, 0]),
      ],
      { r: 1, lora_alpha: 1, use_dora: true },
    );
    const adapter = await baked(null, still);
    expect([...(await moduleDelta(adapter, adapter.modules.get(Q)!))]).toEqual([0, 0, 0, 0]);
  });

  it("refuses biases next to B, and bases of other sizes", async () => {
    const biased = await dora(MAGNITUDES, [encodeTensor(keyOf(Q, "lora_B.bias"), [1, 2])]);
    expect((await rejection(baked(null, biased))).message).toMatch(/both a magnitude \(DoRA\) and a bias next to B/);
    const other = await openPicoModel({ [`${Q}.weight`]: [[1, 2, 3]] });
    expect((await rejection(bakeDora(kernels(), await dora(), other, null, null))).message).toMatch(/pass the base/);
  });
});

describe("merges of DoRA adapters", () => {
  const merged = async (recipe: Recipe) => mergeInMemory([await dora()], recipe);

  it("are refused by default, in a sentence that names the ways", async () => {
    expect((await rejection(merged({}))).message).toMatch(
      /is a DoRA adapter .*; fuse it into its base model, or merge it with --dora bake --base DIR .* or --dora drop/,
    );
    expect((await rejection(merged({ dora: "bake" }))).message).toMatch(/pass the folder .* as --base, or --dora drop/);
  });

  it("leave magnitudes out where that is asked for, which a warning says", async () => {
    const { report, weights } = await merged({ dora: "drop" });
    expect(report.warnings.map(({ id }) => id)).toEqual(["dora-dropped"]);
    expect(report.warnings[0]!.text).toMatch(/magnitudes of DoRA in 1 module of adapter \(such as q\) are left out/);
    expect(weights.byteLength).toBeGreaterThan(0);
  });

  const onDisk = () => {
    const root = tempFolder();
    const model = writeModel(join(root, "base"), [{ [`${Q}.weight`]: W }]);
    const place = writeAdapter(join(root, "dora"), {
      modules: { [Q]: { A, B } },
      config: { use_dora: true },
      extras: { [keyOf(Q, "lora_magnitude_vector")]: MAGNITUDES },
    });
    return { root, model, place };
  };

  it("bake them from the base's folder, and write a recipe that does so again", async () => {
    const { root, model, place } = onDisk();
    const out = join(root, "merged");
    const recipe: Recipe = { method: "cat", dora: "bake", doraRank: 2 };
    const { report } = await mergeAdapters([place], recipe, { out, base: model });
    expect(report.warnings.map(({ id }) => id)).toEqual(["dora-baked"]);
    close(readMerged(out).modules.get(Q)!.delta, CHANGE);
    const again = await loadRecipe(join(out, "recipe.yaml"), root);
    expect(again.steps[0]!.recipe).toMatchObject({ dora: "bake", doraRank: 2 });
    await runRecipe(again, { out: join(root, "again"), base: model });
    expect(readMerged(join(root, "again"))).toEqual(readMerged(out));
  });

  it("need a base for that and for nothing else, and a whole rank", async () => {
    const { root, model, place } = onDisk();
    const run = async (recipe: Recipe, base?: string) =>
      (await rejection(mergeAdapters([place], recipe, { out: join(root, "out"), ...(base && { base }) }))).message;
    expect(await run({ dora: "bake" })).toMatch(/pass the folder of the base model as --base/);
    expect(await run({ dora: "drop" }, model)).toMatch(/needs no base model except for --dora bake/);
    expect(await run({ dora: "bake", doraRank: 1.5 }, model)).toMatch(/doraRank is 1\.5, but must be a whole number/);
    expect(await run({ dora: "drop", doraRank: 2 })).toMatch(/set dora to bake, or leave doraRank out/);
  });
});
