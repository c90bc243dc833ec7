import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { FormatError, RefusedError, UsageError } from "../../src/core/errors.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import { type MergedAdapter, mergeInMemory } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { filled, openPeft, rejection } from "../support/memory-folder.ts";
import { decodeAdapter, encodeTensor, type Nested } from "../support/pico.ts";

const HEAD = "base_model.model.score.weight";
const BIAS = "base_model.model.layers.0.q.bias";

/** An adapter of one module and these tensors beside it. */
const adapterWith = (name: string, extras: readonly TensorData[]): Promise<Adapter> =>
  openPeft(
    [
      encodeTensor("base_model.model.q.lora_A.weight", [[1, 2]]),
      encodeTensor("base_model.model.q.lora_B.weight", [[1], [0]]),
      ...extras,
    ],
    { r: 1, lora_alpha: 1 },
    name,
  );

const head = (values: Nested, dtype: "F32" | "F16" | "BF16" = "F32"): TensorData => encodeTensor(HEAD, values, dtype);

/** The extras of a merged adapter, by key: values in row-major order. */
function extrasOf({ config, weights }: MergedAdapter): Record<string, number[]> {
  const { extras } = decodeAdapter(JSON.stringify(config), weights);
  return Object.fromEntries(Array.from(extras, ([key, { values }]) => [key, [...values]]));
}

async function refuses(
  kind: typeof FormatError | typeof RefusedError,
  adapters: readonly Adapter[],
  recipe: Recipe,
  ...parts: string[]
): Promise<void> {
  const error = await rejection(mergeInMemory(adapters, recipe));
  expect(error).toBeInstanceOf(kind);
  for (const part of parts) expect(error.message).toContain(part);
}

describe("extras of one input", () => {
  it("are left out where that is asked for", async () => {
    const adapter = await adapterWith("one", [head([[1, 2]])]);
    const { weights, report, config } = await mergeInMemory([adapter], { extras: "drop" });
    expect([...tensorBytes(weights).keys()].filter((key) => !key.includes("lora_"))).toEqual([]);
    expect(report.warnings.map(({ id }) => id)).toEqual(["extras-dropped"]);
    expect(config.modules_to_save).toBeNull();
  });

  it.each(["error", "first", "average", undefined] as const)("are kept as they are (policy %s)", async (extras) => {
    const ids: TensorData = {
      name: "base_model.model.ids.x",
      dtype: "I64",
      shape: [2],
      data: new Uint8Array(16).fill(3),
    };
    const adapter = await adapterWith("one", [
      head([
        [1, -0],
        [0.1, 4],
      ]),
      encodeTensor(BIAS, [5], "BF16"),
      ids,
    ]);
    const merged = await mergeInMemory([adapter], extras === undefined ? {} : { extras });
    const bytes = (tensors: Map<string, Uint8Array>, key: string) => tensors.get(key)!;
    const [before, after] = [tensorBytes(await bytesOf(adapter)), tensorBytes(merged.weights)];
    for (const key of [HEAD, BIAS, ids.name]) expect(bytes(after, key)).toEqual(bytes(before, key));
    expect([...merged.report.carried].sort()).toEqual([BIAS, ids.name, HEAD].sort());
    expect(merged.report.warnings).toEqual([]);
    expect(merged.config.modules_to_save).toEqual(["ids", "score"]);
  });

  it("are those of the only adapter that is not left out", async () => {
    const adapters = [await adapterWith("one", [head([1])]), await adapterWith("other", [head([2])])];
    expect(extrasOf(await mergeInMemory(adapters, { weights: [0, 1] }))).toEqual({ [HEAD]: [2] });
  });

  it("longer than a chunk are copied to their end", async () => {
    const size = (1 << 16) + 3;
    for (const dtype of ["F32", "U8"] as const) {
      const long = filled(HEAD, [size], dtype, 1);
      long.data.fill(2, long.data.length - 4);
      const { weights } = await mergeInMemory([await adapterWith("one", [long])], {});
      expect(Buffer.from(long.data).equals(tensorBytes(weights).get(HEAD)!)).toBe(true);
    }
  });

  it("with NaN are refused, naming adapter and tensor", async () => {
    const adapter = await adapterWith("one", [head([1, Number.NaN])]);
    await refuses(FormatError, [adapter], {}, `one: the tensor ${HEAD} holds NaN`, "--extras drop");
  });
});

describe("extras of several inputs", () => {
  const two = async (): Promise<Adapter[]> => [
    await adapterWith("one", [head([1, 2])]),
    await adapterWith("other", [head([5, -2]), encodeTensor(BIAS, [7])]),
  ];

  it("are refused by default, with who has them, the list and the choices", async () => {
    for (const recipe of [{}, { extras: "error" }] as const) {
      const parts = ["one, other hold 2 tensors", "score.weight", "layers.0.q.bias", "choose --extras drop or first."];
      await refuses(RefusedError, await two(), recipe, ...parts);
    }
    const alike = [await adapterWith("one", [head([1, 2])]), await adapterWith("other", [head([5, -2])])];
    await refuses(RefusedError, alike, {}, "choose --extras drop, first or average.");
    await refuses(RefusedError, alike, {}, "one, other hold a tensor that is not a LoRA factor (");
    const single = [await adapterWith("plain", []), await adapterWith("headed", [head([1])])];
    await refuses(RefusedError, single, {}, "headed holds a tensor that is not a LoRA factor");
  });

  it("are listed three at most", async () => {
    const many = Array.from({ length: 5 }, (_, i) => encodeTensor(`base_model.model.h${i}.weight`, [1]));
    const error = await rejection(mergeInMemory([await adapterWith("one", many), await adapterWith("two", [])], {}));
    expect(error.message).toContain("(h0.weight, h1.weight, h2.weight, ...)");
    const three = mergeInMemory([await adapterWith("one", many.slice(2)), await adapterWith("two", [])], {});
    expect((await rejection(three)).message).toContain("(h2.weight, h3.weight, h4.weight)");
  });

  it("are no matter where there are none", async () => {
    const merged = await mergeInMemory([await adapterWith("one", []), await adapterWith("two", [])], {});
    expect(extrasOf(merged)).toEqual({});
    expect(merged.report.warnings.map(({ id }) => id)).toEqual(["same-adapter"]);
  });

  it("are left out by drop, which says so and lists each", async () => {
    const merged = await mergeInMemory(await two(), { extras: "drop" });
    expect(extrasOf(merged)).toEqual({});
    expect(merged.config.modules_to_save).toBeNull();
    expect([...merged.report.skipped].sort()).toEqual([`one: ${HEAD}`, `other: ${BIAS}`, `other: ${HEAD}`]);
    expect(merged.report.carried).toEqual([]);
    expect(merged.report.warnings).toContainEqual({ id: "extras-dropped", text: expect.stringContaining("2 tensors") });
  });

  it("of an adapter of weight 0, which only some modules use, are not kept", async () => {
    const adapters = [await adapterWith("none", [head([1, 2])]), await adapterWith("one", [encodeTensor(BIAS, [7])])];
    const recipe: Recipe = { method: "cat", weights: [0, 1], moduleWeights: [{ match: "q", weights: [1, 1] }] };
    expect(extrasOf(await mergeInMemory(adapters, recipe))).toEqual({ [BIAS]: [7] });
  });

  it("that drop leaves out are counted in words", async () => {
    const merged = await mergeInMemory([await adapterWith("one", [head([1])])], { extras: "drop" });
    expect(merged.report.warnings.map(({ text }) => text)).toEqual([
      "One tensor that is not a LoRA factor is left out (score.weight), and with it what it was trained for.",
    ]);
  });

  it("are by first those of the first input that has each", async () => {
    expect(extrasOf(await mergeInMemory(await two(), { extras: "first" }))).toEqual({ [HEAD]: [1, 2], [BIAS]: [7] });
    const turned = await mergeInMemory((await two()).toReversed(), { extras: "first" });
    expect(extrasOf(turned)).toEqual({ [HEAD]: [5, -2], [BIAS]: [7] });
  });

  it("that first does not write are named with their adapters, and are among what was skipped", async () => {
    const { report } = await mergeInMemory(await two(), { extras: "first" });
    expect(report.skipped).toEqual([`other: ${HEAD}`]);
    expect(report.warnings).toContainEqual({
      id: "extras-first",
      text: "One tensor that is not a LoRA factor (score.weight) is written as one has it; what other has there is left out, and with it what it was trained for.",
    });
    const more = [...(await two()), await adapterWith("third", [encodeTensor(BIAS, [1]), head([0, 1])])];
    const { warnings, skipped } = makePlan(more, { extras: "first" });
    expect(skipped.map(({ input }) => input)).toEqual([1, 2, 2]);
    expect(warnings.filter(({ id }) => id === "extras-first").map(({ text }) => text)).toEqual([
      expect.stringContaining("(score.weight) is written as one has it; what other and third have there"),
      expect.stringContaining("(layers.0.q.bias) is written as other has it; what third has there"),
    ]);
    const apart = [await adapterWith("one", [head([1])]), await adapterWith("other", [encodeTensor(BIAS, [7])])];
    expect(makePlan(apart, { extras: "first" })).toMatchObject({ skipped: [], warnings: [] });
  });

  it("may differ in shape for first", async () => {
    const adapters = [await adapterWith("one", [head([[1, 2]])]), await adapterWith("other", [head([[3], [4], [5]])])];
    expect(extrasOf(await mergeInMemory(adapters, { extras: "first" }))).toEqual({ [HEAD]: [1, 2] });
  });
});

describe("extras averaged", () => {
  const average = async (list: readonly (readonly TensorData[])[], weights?: readonly number[]) => {
    const adapters = await Promise.all(list.map((extras, i) => adapterWith(`a${i}`, extras)));
    return mergeInMemory(adapters, { extras: "average", ...(weights ? { weights } : {}) });
  };

  it("are the weighted mean", async () => {
    expect(extrasOf(await average([[head([1, 2])], [head([5, -2])]]))).toEqual({ [HEAD]: [3, 0] });
    // (1 * 1 + 3 * 5) / 4 and (1 * 2 - 3 * 2) / 4
    expect(extrasOf(await average([[head([1, 2])], [head([5, -2])]], [1, 3]))).toEqual({ [HEAD]: [4, -1] });
    const three = [[head([8])], [head([0])], [head([4])]];
    expect(extrasOf(await average(three, [1, 0, 3]))).toEqual({ [HEAD]: [5] });
  });

  it("keep f16 and bf16 where all inputs have it, and are f32 else", async () => {
    const dtypeOf = ({ plan }: MergedAdapter) => plan.extras.map(({ dtype }) => dtype);
    for (const dtype of ["F16", "BF16"] as const) {
      const merged = await average([[head([1], dtype)], [head([2], dtype)]]);
      expect(dtypeOf(merged)).toEqual([dtype]);
      expect(extrasOf(merged)).toEqual({ [HEAD]: [1.5] });
    }
    const mixed = await average([[head([1], "F16")], [head([2], "BF16")]]);
    expect(dtypeOf(mixed)).toEqual(["F32"]);
    expect(extrasOf(mixed)).toEqual({ [HEAD]: [1.5] });
  });

  it("longer than a chunk are averaged to their end", async () => {
    const size = (1 << 16) + 3;
    const constant = (value: number): TensorData => ({
      ...filled(HEAD, [size]),
      data: new Uint8Array(new Float32Array(size).fill(value).buffer),
    });
    const merged = await average([[constant(1)], [constant(2)]]);
    const values = tensorBytes(merged.weights).get(HEAD)!.slice();
    expect(new Float32Array(values.buffer).every((value) => value === 1.5)).toBe(true);
    expect(values.length).toBe(4 * size);
  });

  it("must be in every input, of one shape, in numbers that can be averaged", async () => {
    const bias = encodeTensor(BIAS, [1]);
    const list = [await adapterWith("one", [bias]), await adapterWith("other", [])];
    const recipe = { extras: "average" } as const;
    await refuses(RefusedError, list, recipe, `${BIAS} cannot be averaged: other does not have it`, "drop or first");
    const shapes = [await adapterWith("one", [head([1, 2])]), await adapterWith("other", [head([[1, 2]])])];
    await refuses(RefusedError, shapes, recipe, `${HEAD} cannot be averaged`, "(2) in one", "(1, 2) in other");
    const whole = filled(HEAD, [2], "I64");
    const ids = [await adapterWith("one", [whole]), await adapterWith("other", [whole])];
    await refuses(RefusedError, ids, recipe, `${HEAD} cannot be averaged: one stores it as I64`);
  });

  it("with NaN are refused, naming the adapter that has it", async () => {
    const adapters = [await adapterWith("one", [head([1])]), await adapterWith("other", [head([Number.NaN])])];
    await refuses(FormatError, adapters, { extras: "average" }, `other: the tensor ${HEAD} holds NaN`);
  });

  it("beyond the range of their type are refused, with the choices", async () => {
    // (3 * 60000 + 60000) / 2
    const adapters = [
      await adapterWith("one", [head([6e4], "F16")]),
      await adapterWith("other", [head([-6e4], "F16")]),
    ];
    const recipe = { method: "cat", weights: [3, -1], extras: "average" } as const;
    await refuses(RefusedError, adapters, recipe, `${HEAD} has values that f16 cannot hold`, "--extras drop or first");
  });

  it("are refused an average where the weights sum to 0", async () => {
    const adapters = [await adapterWith("one", [head([1])]), await adapterWith("other", [head([2])])];
    await refuses(
      UsageError,
      adapters,
      { method: "cat", weights: [1, -1], extras: "average" },
      "sum to 0",
      "--extras drop",
    );
  });

  it("have the same bits from any order of the inputs", async () => {
    const values = Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const heads = [1, 7.3, -0.37].map((factor) => [head(values.map((value) => value * factor))]);
    const weights = [0.1, 0.2, 0.3];
    const expected = tensorBytes((await average(heads, weights)).weights);
    for (const order of [
      [1, 0, 2],
      [2, 1, 0],
    ]) {
      const list = order.map((t) => heads[t]!);
      const turned = await average(
        list,
        order.map((t) => weights[t]!),
      );
      expect(tensorBytes(turned.weights)).toEqual(expected);
    }
  });
});

async function bytesOf(adapter: Adapter): Promise<Uint8Array> {
  const [source] = adapter.files;
  const bytes = new Uint8Array(source!.size);
  await source!.read(0, bytes);
  return bytes;
}

/** The bytes of each tensor that is no factor. */
function tensorBytes(file: Uint8Array): Map<string, Uint8Array> {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header: Record<string, { data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, start)),
  );
  const extras = Object.entries(header).filter(([key]) => key !== "__metadata__" && !key.includes(".lora_"));
  return new Map(
    extras.map(
      ([
        key,
        {
          data_offsets: [from, to],
        },
      ]) => [key, file.slice(start + from, start + to)],
    ),
  );
}
