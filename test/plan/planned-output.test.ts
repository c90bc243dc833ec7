import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { UsageError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { carriedOut } from "../../src/plan/carried-out.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { planOutput, writerOfMerge } from "../../src/plan/plan-output.ts";
import { kept, plannedAdapter } from "../../src/plan/planned-adapter.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { rejection } from "../support/memory-folder.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

const LAYER = { "model.layers.0.self_attn.q_proj": { in: 6, out: 6 } };
const GGUF = { "blk.0.attn_q": { in: 6, out: 6 } };
const open = (name: string, seed: number, modules = LAYER) => openPico(name, randomAdapter(seed, { modules }));

const planned = async (adapters: readonly Adapter[], recipe: Recipe = {}) => ({
  plan: makePlan(adapters, recipe),
  adapters,
  baseConfig: null,
});

describe("how a merge is written", () => {
  it("is by itself where it is a PEFT folder, in as many bytes as the plan has", async () => {
    const merge = await planned([await open("one", 1), await open("two", 2)]);
    expect(await planOutput("out", {}, merge)).toEqual({ writer: null, bytes: merge.plan.size });
    const unasked = () => Promise.reject(new Error("the plan was not needed"));
    expect(await writerOfMerge("out", {}, unasked)).toBeNull();
  });

  it("is by the writer of another format, which knows its size", async () => {
    const merge = await planned([await open("one", 1), await open("two", 2)], { target: { kind: "rank", rank: 3 } });
    const { writer, bytes } = await planOutput("out", { to: "mlx" }, merge);
    expect(writer?.id).toBe("mlx");
    // A (6, 3) and B (3, 6) in f32, and a header.
    expect(bytes).toBeGreaterThan(4 * 2 * 18);
    expect(bytes).toBeLessThan(4 * 2 * 18 + 500);
    expect((await writerOfMerge("out", { to: "mlx" }, async () => merge))?.id).toBe("mlx");
  });

  it("is refused in PEFT's names where an adapter that takes part has llama.cpp's", async () => {
    const adapters = [await open("one", 1, GGUF as never), await open("two", 2, GGUF as never)];
    const refused = await rejection(planOutput("out", {}, await planned(adapters)));
    expect(refused).toBeInstanceOf(UsageError);
    expect(refused.message).toContain("one");
    const beside = [await open("one", 1), adapters[1]!];
    const leftOut = await planned(beside, { weights: [1, 0] });
    expect((await planOutput("out", {}, leftOut)).writer).toBeNull();
  });
});

describe("the adapter that a plan will write", () => {
  it("has the modules, ranks, scales and other tensors of the one that is written", async () => {
    const extras = { "base_model.model.score.weight": [[1, 2]] };
    const config = { lora_alpha: 6 };
    const adapters = [await openPico("one", { ...randomAdapter(1, { modules: LAYER, config }), extras })];
    const plan = makePlan(adapters, { target: { kind: "rank", rank: 1 } });
    const adapter = await plannedAdapter("the result", plan, adapters);
    expect(adapter.name).toBe("the result");
    const modules = Array.from(adapter.modules, ([name, { rank, scale }]) => [name, rank, scale]);
    expect(modules).toEqual([["model.layers.0.self_attn.q_proj", 1, 3]]);
    expect([...adapter.extras.keys()]).toEqual(Object.keys(extras));
    const { weights } = await mergeInMemory(adapters, { target: { kind: "rank", rank: 1 } });
    const [source] = adapter.files;
    expect(source!.size).toBe(weights.byteLength);
    // The same header, and zeros behind it, from any offset.
    const read = new Uint8Array(source!.size - 5).fill(1);
    await source!.read(5, read);
    const values = weights.byteLength - 4 * (12 + 2);
    expect(read.subarray(0, values - 5)).toEqual(weights.subarray(5, values));
    expect(read.subarray(values - 5).every((byte) => byte === 0)).toBe(true);
  });

  const metadata = (fields: Record<string, string>) => ({ metadata: new Map(Object.entries(fields)) });

  it("keeps dialect and metadata that all adapters share which take part, but for training arguments", async () => {
    const shared = { ss_base: "sd", ss_network_args: "{}" };
    const one: Adapter = { ...(await open("one", 1)), format: "kohya", ...metadata({ ...shared, ss_seed: "1" }) };
    const two: Adapter = { ...(await open("two", 2)), format: "kohya", ...metadata({ ...shared, ss_seed: "2" }) };
    const odd: Adapter = { ...(await open("odd", 3)), format: "mlx", ...metadata({}) };
    const keep = (adapters: readonly Adapter[], recipe: Recipe = {}) => kept(makePlan(adapters, recipe), adapters);
    expect(keep([one, two])).toEqual({ format: "kohya", families: [], ...metadata({ ss_base: "sd" }) });
    expect(keep([odd, one, two], { weights: [0, 1, 1] })).toEqual({
      format: "kohya",
      families: [],
      ...metadata({ ss_base: "sd" }),
    });
    expect(keep([one, odd])).toEqual({ format: "peft", families: [], ...metadata({}) });
    expect(keep([one])).toEqual({ format: "kohya", families: [], ...metadata({ ss_base: "sd", ss_seed: "1" }) });
  });
});

describe("a recipe as it was carried out", () => {
  it("names every choice of the plan", async () => {
    const adapters = [await open("one", 1), await open("two", 2), await open("three", 3)];
    const recipe = { weights: [1, 2, 3], dtype: "auto", include: ["q_proj"] } as const;
    const plan = makePlan(adapters, recipe);
    const carried = carriedOut(recipe, plan);
    expect(carried).toMatchObject({
      method: "tsv",
      scale: "auto",
      weights: [1, 2, 3],
      dtype: "f32",
      target: plan.target,
      options: plan.options,
      include: ["q_proj"],
      extras: "error",
      rankLayout: "uniform",
    });
    expect(makePlan(adapters, carried)).toEqual({ ...plan, chosen: null });
  });
});
