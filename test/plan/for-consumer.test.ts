import { describe, expect, it } from "vitest";
import { CONSUMER_IDS, consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { refuseUnloadable, zerosAdded } from "../../src/plan/for-consumer.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { decodeAdapter, openPico, type RandomShape, randomAdapter, relativeError } from "../support/pico.ts";

const layer = (i: number, name = "q_proj"): string => `model.layers.${i}.self_attn.${name}`;
const SIZE = { in: 12, out: 11 };
const open = (name: string, seed: number, shape: RandomShape) => openPico(name, randomAdapter(seed, shape));

async function merged(adapters: Parameters<typeof mergeInMemory>[0], recipe: Recipe) {
  const { config, weights, report, plan } = await mergeInMemory(adapters, recipe);
  return { config, weights, report, plan, modules: decodeAdapter(JSON.stringify(config), weights).modules };
}

describe("a merge for a consumer", () => {
  const modules = { [layer(0)]: SIZE, [layer(1)]: SIZE };

  it("pads the rank to one that TGI keeps, the deltas unchanged", async () => {
    const adapters = [await open("one", 1, { rank: 5, modules }), await open("two", 2, { rank: 6, modules })];
    const recipe = { method: "svd", dtype: "f32" } as const;
    const [usual, padded] = [await merged(adapters, recipe), await merged(adapters, { ...recipe, for: "tgi" })];
    expect([usual.config.r, padded.config.r]).toEqual([6, 8]);
    for (const [name, { rank, delta }] of padded.modules) {
      expect(rank).toBe(8);
      expect(relativeError(delta, usual.modules.get(name)!.delta)).toBeLessThan(1e-6);
    }
  });

  it("writes zero factors where a type of module lacks a layer, and says so", async () => {
    const partial = { [layer(0)]: SIZE, [layer(2)]: SIZE, [layer(1, "v_proj")]: { in: 12, out: 4 } };
    const adapter = await open("one", 3, { rank: 8, modules: partial });
    const { modules: got, report, plan, weights, config } = await merged([adapter], { method: "cat", for: "tgi" });
    expect(plan.zeros.map(({ name }) => name).sort()).toEqual([layer(0, "v_proj"), layer(1), layer(2, "v_proj")]);
    for (const { name, out } of plan.zeros) {
      expect(got.get(name)).toMatchObject({ in: 12, out, rank: 8 });
      expect(got.get(name)!.delta.every((value) => value === 0)).toBe(true);
    }
    expect(report.warnings.map(({ id }) => id)).toEqual(["zero-factors"]);
    const files = { "adapter_config.json": JSON.stringify(config), "adapter_model.safetensors": weights };
    expect(checkOpened(await openAdapter(memoryFolder("merged", files)), consumerById("tgi")).findings).toEqual([]);
  });

  it("ends where dead units leave less than the padded rank", async () => {
    const zero = { A: Array<number[]>(4).fill(Array<number>(12).fill(0)), B: Array<number[]>(11).fill([0, 0, 0, 0]) };
    const { config, plan } = await merged([await openPico("zero", { modules: { [layer(0)]: zero } })], { for: "tgi" });
    expect([config.r, plan.rank]).toEqual([8, 8]);
  });

  it("says how vLLM must be started for a rank above its own default", async () => {
    const warned = async (rank: number) => {
      const adapter = await open("one", 4, { rank, modules: { [layer(0)]: { in: 40, out: 40 } } });
      return makePlan([adapter], { for: "vllm" }).warnings;
    };
    expect(await warned(16)).toEqual([]);
    expect(await warned(17)).toEqual([
      {
        id: "server-limit",
        text: "The result has rank 17; start vLLM with --max-lora-rank 32 or more (its default is 16).",
      },
    ]);
  });

  it("leaves the rank to vLLM up to its largest", async () => {
    const adapter = await open("one", 4, { rank: 5, modules });
    expect(makePlan([adapter], { for: "vllm" }).rank).toBe(5);
    const tall = await open("tall", 5, { rank: 513, modules: { [layer(0)]: { in: 600, out: 513 } } });
    expect(() => makePlan([tall], { for: "vllm", method: "linear" })).toThrow(RefusedError);
    expect(() => makePlan([tall], { for: "vllm", method: "linear" })).toThrow(/rank 512 at most.*--rank 512/);
  });

  it("refuses heads unless they are dropped", async () => {
    const adapter = await open("one", 6, { modules, extras: { "base_model.model.score.weight": [[1]] } });
    expect(() => makePlan([adapter], { for: "tgi" })).toThrow(
      /another tensor would be written too .*score\.weight.*--extras drop/,
    );
    expect(makePlan([adapter], { for: "tgi", extras: "drop" }).extras).toEqual([]);
    for (const takes of ["peft", "vllm"] as const) expect(makePlan([adapter], { for: takes }).extras).toHaveLength(1);
    const other = await open("other", 6, { modules, extras: { "base_model.model.lm_head.weight": [[1]] } });
    expect(() => makePlan([other], { for: "vllm" })).toThrow(
      /another tensor would be written too .*lm_head\.weight.*--extras drop/,
    );
  });

  it("fills with zeros what SGLang stacks, and folds rsLoRA and patterns in", async () => {
    const sizes = { q_proj: 11, k_proj: 4, v_proj: 4 };
    const of = (...names: (keyof typeof sizes)[]) =>
      Object.fromEntries(names.map((name) => [layer(0, name), { in: 12, out: sizes[name] }]));
    const rslora = await open("one", 8, {
      rank: 4,
      modules: { ...of("q_proj", "k_proj"), [layer(1)]: SIZE, [layer(1, "v_proj")]: { in: 12, out: 4 } },
      config: { r: 4, lora_alpha: 6, use_rslora: true, alpha_pattern: { k_proj: 2 } },
    });
    const usual = await merged([rslora], { method: "cat" });
    const { modules: got, plan, weights, config } = await merged([rslora], { method: "cat", for: "sglang" });
    expect(plan.zeros.map(({ name, out }) => [name, out])).toEqual([[layer(0, "v_proj"), 4]]);
    expect(config.use_rslora ?? false).toBe(false);
    for (const [name, { delta }] of usual.modules) {
      expect(relativeError(got.get(name)!.delta, delta)).toBeLessThan(1e-6);
    }
    expect(got.get(layer(0, "v_proj"))!.delta.every((value) => value === 0)).toBe(true);
    const files = { "adapter_config.json": JSON.stringify(config), "adapter_model.safetensors": weights };
    expect(checkOpened(await openAdapter(memoryFolder("merged", files)), consumerById("sglang")).findings).toEqual([]);
    expect(checkOpened(rslora, consumerById("sglang")).findings.map(({ level }) => level)).toEqual([
      "differs",
      "fails",
    ]);
  });

  it("gives v the size of k where no layer has v, and refuses where no size is known", async () => {
    const of = (...names: string[]) => Object.fromEntries(names.map((name) => [layer(0, name), { in: 12, out: 4 }]));
    const keyed = await open("keyed", 9, { modules: { ...of("k_proj"), [layer(0)]: SIZE } });
    const { zeros } = makePlan([keyed], { for: "sglang" });
    expect(zeros).toMatchObject([{ name: layer(0, "v_proj"), out: 4 }]);
    const lone = await open("lone", 9, { modules: { [layer(0)]: SIZE } });
    expect(() => makePlan([lone], { for: "sglang" })).toThrow(
      /SGLang stacks .*q_proj with .*v_proj, which no adapter has.*--exclude/,
    );
    const up = await open("up", 9, { modules: { "model.layers.0.mlp.up_proj": SIZE } });
    expect(makePlan([up], { for: "sglang" }).zeros).toMatchObject([{ name: "model.layers.0.mlp.gate_proj", out: 11 }]);
  });

  it("refuses patterns for a consumer that reads none", async () => {
    const adapter = await open("one", 7, { modules });
    const plan = () => makePlan([adapter], { rankLayout: "pattern", for: "tgi" });
    expect(plan).toThrow(UsageError);
    expect(plan).toThrow(/does not read rank_pattern/);
  });

  it("is planned for one that loads no PEFT adapters, but not made as one in memory", async () => {
    const adapter = await open("one", 7, { modules });
    expect(makePlan([adapter], { for: "llamacpp" }).consumer).toBe("llamacpp");
    const made = mergeInMemory([adapter], { for: "llamacpp" });
    await expect(made).rejects.toThrow(
      /llama\.cpp loads gguf files, but a PEFT adapter is made here.*convert .* to gguf/,
    );
    await expect(made).rejects.toThrow(UsageError);
  });

  it("refuses image models for a consumer that runs language models", async () => {
    const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 5, out: 8 } };
    const adapter = await open("one", 7, { modules: unet });
    expect(() => makePlan([adapter], { for: "vllm" })).toThrow(
      /vLLM runs language models, but unet\.\S+ belongs to an image model; leave --for out/,
    );
    expect(makePlan([adapter], { for: "diffusers" }).consumer).toBe("diffusers");
  });

  it.each(CONSUMER_IDS)("refuses the kinds of modules that %s does not adapt, each by name", (id) => {
    const consumer = consumerById(id);
    for (const kind of ["linear", "embedding", "conv"] as const) {
      const check = () =>
        refuseUnloadable(
          consumer,
          [
            { name: "plain", kind: "linear" },
            { name: "odd", kind },
          ],
          [],
        );
      if (consumer.kinds[kind]) expect(check).not.toThrow();
      else expect(check).toThrow(`${consumer.title} does not adapt ${kind} modules such as odd; leave them out`);
    }
  });

  it("refuses what a PEFT folder would hold besides factors, unless another format is written", () => {
    const extras = [{ key: "q.bias" }, { key: "v.bias" }];
    const check = (id: string, count: number) => () => refuseUnloadable(consumerById(id), [], extras.slice(0, count));
    expect(check("vllm", 1)).toThrow("but another tensor would be written too (such as q.bias); pass --extras drop.");
    expect(check("vllm", 2)).toThrow("but 2 other tensors would be written too");
    for (const [id, count] of [
      ["vllm", 0],
      ["llamacpp", 2],
      ["peft", 2],
    ] as const)
      expect(check(id, count)).not.toThrow();
  });

  it("gives zeros the size of their own type, and counts them", async () => {
    const partial = { [layer(0, "v_proj")]: { in: 12, out: 4 }, [layer(1)]: SIZE };
    const tgi = makePlan([await open("one", 3, { rank: 8, modules: partial })], { for: "tgi" });
    expect(tgi.zeros.map(({ name, out }) => [name, out]).sort()).toEqual([
      [layer(0), 11],
      [layer(1, "v_proj"), 4],
    ]);
    const sglang = makePlan(
      [
        await open("one", 8, {
          rank: 4,
          modules: {
            [layer(0)]: SIZE,
            [layer(0, "k_proj")]: { in: 12, out: 4 },
            [layer(1)]: SIZE,
            [layer(1, "k_proj")]: { in: 12, out: 4 },
            [layer(1, "v_proj")]: { in: 12, out: 3 },
          },
        }),
      ],
      { for: "sglang" },
    );
    expect(sglang.zeros.map(({ name, out }) => [name, out])).toEqual([[layer(0, "v_proj"), 3]]);
    const text = (count: number) => zerosAdded(tgi.zeros.slice(0, count)).map((warning) => warning.text);
    expect(text(0)).toEqual([]);
    expect(text(1)).toEqual([expect.stringMatching(/^1 module that no adapter has .* is written with zero factors/)]);
    expect(text(2)).toEqual([expect.stringMatching(/^2 modules that no adapter has .* are written with zero factors/)]);
  });
});
