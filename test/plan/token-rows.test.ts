import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { factorsAlone } from "../../src/adapter/factors-alone.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { writerOf } from "../../src/convert/convert.ts";
import { type MergedAdapter, mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { memoryFolder, rejection } from "../support/memory-folder.ts";
import { decodeAdapter, openPico, type PicoAdapter } from "../support/pico.ts";
import { written } from "../support/written.ts";

const EMBED = "model.embed_tokens";
const keyOf = (embedding: string): string => `base_model.model.${embedding}.token_adapter.trainable_tokens_delta`;

/** An adapter with rows of two numbers, both equal, by token. */
const adapter = (
  name: string,
  rows: Readonly<Record<number, number>>,
  embedding = EMBED,
  more: Partial<PicoAdapter> = {},
): Promise<Adapter> => {
  const tokens = Object.keys(rows).map(Number).reverse();
  const values = tokens.map((token) => [rows[token]!, rows[token]!]);
  const indices = { [embedding]: tokens };
  return openPico(name, {
    modules: { q: { A: [[1, 2]], B: [[1], [0]] } },
    ...more,
    extras: { [keyOf(embedding)]: values, ...more.extras },
    config: { trainable_token_indices: indices },
  });
};
const plain = (name: string) => openPico(name, { modules: { q: { A: [[1, 2]], B: [[1], [0]] } } });

/** The rows of a merged adapter, by token. */
function rowsOf({ config, weights }: Pick<MergedAdapter, "config" | "weights">, embedding = EMBED) {
  const { values, shape } = decodeAdapter(JSON.stringify(config), weights).extras.get(keyOf(embedding))!;
  const tokens = (config.trainable_token_indices as Record<string, number[]>)[embedding]!;
  expect(shape).toEqual([tokens.length, 2]);
  return Object.fromEntries(tokens.map((token, i) => [token, [...values.subarray(2 * i, 2 * i + 2)]]));
}

const pair = () => Promise.all([adapter("one", { 5: 1, 8: 2 }), adapter("other", { 8: 6, 3: 9 })]);
const refused = async (adapters: readonly Adapter[], recipe: Recipe = { method: "cat" }) =>
  (await rejection(mergeInMemory(adapters, recipe))).message;

describe("trained token rows (trainable_token_indices)", () => {
  it("are averaged where all adapters train them, and kept where one does, whatever the method and factor", async () => {
    const expected = { 3: [9, 9], 5: [1, 1], 8: [5, 5] };
    for (const method of ["average", "cat", "ties"] as const) {
      expect(rowsOf(await mergeInMemory(await pair(), { method, weights: [1, 3], scale: 0.5 }))).toEqual(expected);
    }
  });

  it("are the first adapter's where that is asked for, and left out with a warning", async () => {
    const first = await mergeInMemory(await pair(), { method: "cat", extras: "first" });
    expect(rowsOf(first)).toEqual({ 3: [9, 9], 5: [1, 1], 8: [2, 2] });
    expect(first.report.warnings).toContainEqual({
      id: "extras-first",
      text: "1 trained token row of model.embed_tokens that other shares with an adapter before it is written as that one has it; its own is left out.",
    });
    // A row of it is written.
    expect(first.plan.skipped).toEqual([]);
    const within = [await adapter("one", { 5: 1, 8: 2 }), await adapter("other", { 5: 3 })];
    const { skipped } = (await mergeInMemory(within, { method: "cat", extras: "first" })).plan;
    expect(skipped.map(({ input }) => input)).toEqual([1]);
    const { config, report, plan } = await mergeInMemory(await pair(), { method: "cat", extras: "drop" });
    expect(config).not.toHaveProperty("trainable_token_indices");
    expect(report.warnings.map(({ text }) => text).join()).toMatch(
      /trained token rows of model\.embed_tokens are left/,
    );
    expect(plan.skipped).toHaveLength(2);
  });

  it("are kept beside adapters that train none, and of a single one", async () => {
    const expected = { 5: [1, 1] };
    const one = await adapter("one", { 5: 1 });
    expect(rowsOf(await mergeInMemory([one, await plain("plain")], { method: "cat" }))).toEqual(expected);
    expect(rowsOf(await mergeInMemory([one], {}))).toEqual(expected);
    expect(rowsOf(await mergeInMemory([one, await pair().then(([own]) => own)], { weights: [1, 0] }))).toEqual(
      expected,
    );
  });

  it("keep their bytes in another type than the factors', and are widened where types differ", async () => {
    const half = await adapter("half", { 5: 0.1 }, EMBED, { dtype: "F16" });
    const one = await mergeInMemory([half, await plain("plain")], { method: "cat" });
    expect(one.plan.dtype).toBe("F32");
    expect(one.plan.extras.map(({ dtype }) => dtype)).toEqual(["F16"]);
    const mixed = await mergeInMemory([half, await adapter("full", { 6: 2 })], { method: "cat" });
    expect(mixed.plan.extras.map(({ dtype }) => dtype)).toEqual(["F32"]);
    expect(rowsOf(mixed)).toEqual({ 5: rowsOf(one)[5], 6: [2, 2] });
  });

  it("go by one name where releases of transformers differ", async () => {
    const layer = { A: [[1, 2]], B: [[1], [0]] };
    const older = { modules: { "language_model.model.layers.0.q": layer } };
    const newer = { modules: { "model.language_model.layers.0.q": layer } };
    const merged = await mergeInMemory(
      [
        await adapter("older", { 1: 1 }, "language_model.model.embed_tokens", older),
        await adapter("newer", { 1: 3 }, "model.language_model.embed_tokens", newer),
      ],
      { method: "cat" },
    );
    expect(rowsOf(merged, "model.language_model.embed_tokens")).toEqual({ 1: [2, 2] });
  });

  it("are refused where some adapters train a token and others do not, or weights cancel", async () => {
    const three = [await adapter("a", { 7: 1 }), await adapter("b", { 7: 3 }), await plain("c")];
    expect(await refused(three)).toMatch(
      /^Token 7 of model\.embed_tokens is trained by a and b, but not by c, .*; merge a and b first, or pass --extras first/,
    );
    expect(await refused(await pair(), { method: "cat", weights: [1, -1] })).toMatch(/weights sum to 0, so token rows/);
  });

  it("are refused where sizes differ, a token stands twice, or the embedding changes in another way too", async () => {
    const wide = await openPico("wide", {
      modules: { q: { A: [[1, 2]], B: [[1], [0]] } },
      extras: { [keyOf(EMBED)]: [[1, 2, 3]] },
      config: { trainable_token_indices: { [EMBED]: [1] } },
    });
    expect(await refused([await adapter("one", { 5: 1 }), wide])).toMatch(/3 numbers in wide and 2 in one; merge/);
    const twice = await openPico("twice", {
      modules: { q: { A: [[1, 2]], B: [[1], [0]] } },
      extras: { [keyOf(EMBED)]: [[1], [2]] },
      config: { trainable_token_indices: { [EMBED]: [4, 4] } },
    });
    expect(await refused([twice])).toMatch(/^twice: .*two rows for token 4; save/);
    const q = { A: [[1, 2]], B: [[1], [0]] };
    const delta = await openPico("delta", { modules: { q, [EMBED]: { ...q, kind: "embedding" } } });
    expect(await refused([await adapter("one", { 1: 1 }), delta])).toMatch(/a delta .*--exclude model\.embed_tokens/);
    const whole = await openPico("whole", {
      modules: { q },
      extras: { [`base_model.model.${EMBED}.weight`]: [[1, 2]] },
    });
    expect(await refused([await adapter("one", { 1: 1 }), whole], { method: "cat", extras: "first" })).toMatch(
      /a whole tensor .*--extras drop/,
    );
  });

  it("are refused for programs and formats that do not hold them", async () => {
    expect(await refused(await pair(), { method: "cat", for: "vllm" })).toMatch(/vLLM loads no trained token rows/);
    const one = await adapter("one", { 5: 1 });
    const kohya = await writerOf("kohya");
    expect(() => kohya.convert(one, null)).toThrow(
      /^one trains single token embeddings .* writes into PEFT folders only/,
    );
    expect(factorsAlone(one).variants).toEqual([]);
    expect(factorsAlone(one).tokenRows.size).toBe(0);
  });

  it("stay in a conversion to PEFT", async () => {
    const again = await openAdapter(memoryFolder("again", await written(await adapter("one", { 5: 1, 8: 2 }), "peft")));
    expect(again.tokenRows.get(EMBED)).toMatchObject({ indices: [8, 5], tensor: { shape: [2, 2] } });
    expect(again.variants.map(({ id }) => id)).toEqual(["token_indices"]);
  });
});
