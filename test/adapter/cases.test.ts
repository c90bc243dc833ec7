import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import type { VariantId } from "../../src/adapter/variants.ts";
import { inspectOpened } from "../../src/analysis/inspect.ts";
import { LoraLegoError } from "../../src/core/errors.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { openAdapters } from "../../src/node/input/adapter-path.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { rejection } from "../support/memory-folder.ts";
import { decodeAdapter, readMerged, relativeError } from "../support/pico.ts";

const CASES = fileURLToPath(new URL("../../../shared/cases/", import.meta.url));
const absent = !existsSync(CASES);

/** Do something with the adapters at these paths below the cases, open. */
async function withAdapters<T>(
  paths: readonly string[],
  use: (adapters: readonly Adapter[]) => T,
): Promise<Awaited<T>> {
  const opened = await openAdapters(paths.map((path) => CASES + path));
  try {
    return await use(opened.map(({ adapter }) => adapter));
  } finally {
    for (const { close } of opened) close();
  }
}

const pair = (name: string): string[] => [`llm/${name}/a`, `llm/${name}/b`];

describe.skipIf(absent)(`inputs of users' situations${absent ? ` (skipped: there is no ${CASES})` : ""}`, () => {
  const VARIANTS: [string, VariantId[]][] = [
    ["llm/cfg-bdlora/a", ["other_method"]],
    ["llm/cfg-corda/a", ["changed_base"]],
    ["llm/cfg-dora/a", ["incomplete"]],
    ["llm/cfg-dora/real", ["dora"]],
    ["llm/cfg-kasa/a", ["other_method"]],
    ["llm/cfg-layer_replication/a", ["layer_replication"]],
    ["llm/cfg-loftq/a", ["changed_base"]],
    ["llm/cfg-lora_bias/a", ["incomplete"]],
    ["llm/cfg-loraga/a", ["changed_base"]],
    ["llm/cfg-olora/a", ["changed_base"]],
    ["llm/cfg-pissa/a", ["changed_base"]],
    ["llm/cfg-qalora/a", ["other_method"]],
    ["llm/fuse-dora/a", ["dora"]],
    ["llm/target-parameters/a-single-noconfig", ["target_parameters"]],
    ["llm/token-adapter/a-nocfg", ["incomplete"]],
    // These configs lie beside the tensors of a LoRA.
    ...["ADALORA", "BONE", "IA3", "LN_TUNING", "LOHA", "OFT", "PROMPT_TUNING", "TRAINABLE_TOKENS", "VERA"].map(
      (type): [string, VariantId[]] => [`llm/type-${type}/a`, ["incomplete"]],
    ),
    ["image/dora-kohya", ["dora"]],
    ["image/dora-diffusers", ["dora"]],
  ];

  it.each(VARIANTS)("are described, and refused by merges: %s", async (path, ids) => {
    await withAdapters([path], async ([adapter]) => {
      expect(adapter!.variants.map(({ id }) => id)).toEqual(ids);
      const inspection = await inspectOpened(wasmKernels(), adapter!);
      expect(inspection.modules.length + inspection.others.length).toBeGreaterThan(0);
      expect(() => makePlan([adapter!], { extras: "drop" })).toThrow(adapter!.variants[0]!.text);
    });
  });

  it.each<[string, VariantId]>([
    ["llm/cfg-alora/a", "alora"],
    ["llm/token-adapter/a", "token_indices"],
  ])("are described, and kept by merges: %s", async (path, id) => {
    await withAdapters([path], async ([adapter]) => {
      expect(adapter!.variants.map((variant) => variant.id)).toEqual([id]);
      const { config } = await mergeInMemory([adapter!], {});
      const { invocationTokens } = adapter!;
      const tokens = Object.fromEntries(Array.from(adapter!.tokenRows, ([name, { indices }]) => [name, indices]));
      expect(config.alora_invocation_tokens).toEqual(id === "alora" ? invocationTokens : undefined);
      expect(config.trainable_token_indices).toEqual(id === "alora" ? undefined : tokens);
    });
  });

  it.each([
    "cfg-eva/a",
    "cfg-gaussian/a",
    "cfg-orthogonal/a",
    "bnb-base/a",
    "mlx-real-plain/a",
    "fuse-mts-tied/embed-only",
  ])("are plain LoRA: %s", async (path) => {
    await withAdapters([`llm/${path}`], (adapters) => {
      expect(adapters[0]).toMatchObject({ variants: [], notices: [] });
      expect(makePlan(adapters, { extras: "drop" }).modules.length).toBeGreaterThan(0);
    });
  });

  it.each([
    ...["ckpt", "ddp-module", "default", "double", "orig-mod-front", "orig-mod-inside"].map((key) => [
      key,
      "wrapped-names",
    ]),
    ["no-prefix", "bare-names"],
  ])("have keys that are read without what wraps them: key-%s", async (key, notice) => {
    await withAdapters(pair(`key-${key}`), (adapters) => {
      const { modules, warnings } = makePlan(adapters, {});
      expect(modules).toHaveLength(4);
      for (const { name, parts } of modules) {
        expect(name).toMatch(/^model\.layers\.[01]\.self_attn\.[qv]_proj$/);
        expect(parts).toHaveLength(2);
      }
      expect(warnings.map(({ id }) => id)).toEqual([notice]);
    });
  });

  it.each([
    ["key-fsdp2-rank0/a", /\(A is \(4, 32\), B is \(16, 8\); expected 8 rows of A\).*get_state_dict/],
    ["key-zero3-empty/a", /are empty \(A is \(0\), B is \(0\)\).*get_state_dict/],
    ["key-zero3-zeroB-shape/a", /are empty \(A is \(8, 32\), B is \(0, 8\)\).*get_state_dict/],
    ["sharded/b", /adapter_model-00002-of-00002\.safetensors is missing/],
    ["multi-adapter/n", /2 folders with adapters \(one, two\); pass one of them/],
  ])("are refused on reading: %s", async (path, words) => {
    const error = await rejection(withAdapters([`llm/${path}`], () => null));
    expect(error).toBeInstanceOf(LoraLegoError);
    expect(error.message).toMatch(words);
  });

  it.each([
    ["llm/multi-adapter/m", "more-adapters", /other/],
    ["llm/unknown-field-merge/a", "unknown-field", /use_supernova/],
    ["llm/cfg-futureflag/a", "unknown-field", /use_supernova, supernova_config/],
  ])("are read with a notice: %s", async (path, id, words) => {
    await withAdapters([path], ([adapter]) => {
      expect(adapter!.notices).toEqual([{ id, text: expect.stringMatching(words) }]);
      expect(makePlan([adapter!], {}).warnings.map((warning) => warning.id)).toContain(id);
    });
  });

  it.each([
    ["alpha-bf16", null],
    ["alpha-int64", null],
    ["alpha-shape1", null],
    ["alpha-missing", 1],
  ])("have alphas that are read as they are: %s", async (name, scale) => {
    await withAdapters([`image/${name}`], ([adapter]) => {
      const scales = Array.from(adapter!.modules.values(), (module) => module.scale);
      if (scale !== null) expect(scales).toContain(scale);
      else for (const own of scales) expect(own).toBeGreaterThan(0);
    });
  });

  it("have scales by rsLoRA and both patterns", async () => {
    await withAdapters(pair("rslora-mix"), (adapters) => {
      const scaleOf = (t: number, path: string) => adapters[t]!.modules.get(`model.layers.${path}`)!.scale;
      expect(scaleOf(0, "0.self_attn.q_proj")).toBeCloseTo(5.5 / 2, 12);
      expect(scaleOf(0, "1.self_attn.k_proj")).toBeCloseTo(16 / Math.sqrt(12), 12);
      expect(scaleOf(0, "0.self_attn.k_proj")).toBeCloseTo(16 / Math.sqrt(8), 12);
      expect(scaleOf(1, "0.self_attn.q_proj")).toBe(0.5);
      expect(makePlan(adapters, {}).modules).toHaveLength(8);
    });
  });

  it.each(["alpha-nan", "alpha-inf"])("have alphas that are refused: %s", async (name) => {
    const error = await rejection(withAdapters([`image/${name}`], () => null));
    expect(error.message).toMatch(/\.alpha holds (NaN|Infinity), but must be finite/);
  });

  it("have their alpha in lora_adapter_metadata: 16 at rank 4", async () => {
    await withAdapters(["image/sdxl-diffusers-meta"], ([adapter]) => {
      expect(new Set(Array.from(adapter!.modules.values(), ({ scale }) => scale))).toEqual(new Set([4]));
    });
  });

  it.each<[string, string[], Recipe]>([
    ["negative-weights", ["a", "a2"], { method: "cat", weights: [1, -1] }],
    ["negative-weights", ["a", "b"], { method: "cat", weights: [1, -1] }],
    ["diff-targets", ["a", "b"], { method: "cat" }],
    ["layers-to-transform", ["full", "half"], { method: "cat" }],
    ["dtype-F16", ["a", "b"], { method: "cat" }],
    ["dtype-BF16", ["a", "b"], { method: "cat" }],
  ])("are summed as they mean: %s %j", async (name, members, recipe) => {
    const { weights = members.map(() => 1) } = recipe;
    const paths = members.map((member) => `llm/${name}/${member}`);
    const merged = await withAdapters(paths, async (adapters) => {
      const { config, weights: bytes } = await mergeInMemory(adapters, { ...recipe, dtype: "f32", allowPartial: true });
      return decodeAdapter(JSON.stringify(config), bytes);
    });
    const inputs = paths.map((path) => readMerged(CASES + path));
    expect(new Set(merged.modules.keys())).toEqual(new Set(inputs.flatMap(({ modules }) => [...modules.keys()])));
    for (const [module, { delta }] of merged.modules) {
      const sum = new Float64Array(delta.length);
      for (const [t, { modules }] of inputs.entries())
        for (const [i, value] of modules.get(module)?.delta.entries() ?? []) sum[i]! += weights[t]! * value;
      if (sum.every((value) => value === 0)) expect(delta.every((value) => Math.abs(value) < 1e-6)).toBe(true);
      else expect(relativeError(delta, sum)).toBeLessThan(2e-6);
    }
  });

  it.each(["dtype-F64", "dtype-F8_E4M3", "dtype-F8_E5M2", "resized-vocab"])("are merged: %s", async (name) => {
    const { report } = await withAdapters(pair(name), (adapters) => mergeInMemory(adapters, { extras: "drop" }));
    expect(report.modules.length).toBeGreaterThan(0);
  });
});
