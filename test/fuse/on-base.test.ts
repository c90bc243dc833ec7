import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import { atRank } from "../../src/fuse/at-rank.ts";
import { baseLayers } from "../../src/fuse/base-layers.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { rejection } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { NO_FLOATS, ON_BASE, ofIntegers, openCase, type PeftCase, peftCase } from "../support/peft-cases.ts";
import { decodeAdapter, type Nested, relativeError } from "../support/pico.ts";

/** The base's config.json, which says that c_fc is stored as (in, out). */
const GPT2 = { modelType: "gpt2" } as Config;
type Config = Parameters<typeof baseLayers>[1];

async function onBase(
  each: Pick<PeftCase, "config" | "tensors" | "weights">,
  weights: Readonly<Record<string, Nested>> = each.weights!,
  config: Config = GPT2,
  others: readonly TensorData[] = [],
): Promise<Adapter> {
  const named = Object.entries(weights).map(([module, values]) => [`${module}.weight`, values]);
  return openCase(each, { onBase: baseLayers(await openPicoModel(Object.fromEntries(named)), config) }, others);
}

const ones = (...shape: readonly number[]): Nested =>
  shape.length === 0 ? 1 : Array.from({ length: shape[0]! }, () => ones(...shape.slice(1)));

/** Adapters of a k_proj from 16 to 16. */
const SQUARE = {
  VERA: {
    "base_model.model.k_proj.vera_lambda_b": ones(16),
    "base_model.model.k_proj.vera_lambda_d": ones(2),
    "base_model.vera_A": ones(2, 16),
    "base_model.vera_B": ones(16, 2),
  },
  MISS: { "base_model.model.k_proj.miss_block": ones(2, 16) },
};

async function deltasOf(adapter: Adapter): Promise<Map<string, Float64Array>> {
  const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
  const { modules } = decodeAdapter(JSON.stringify(config), weights);
  return new Map(Array.from(modules, ([name, { delta }]) => [name, delta]));
}

function expectDeltas(
  found: ReadonlyMap<string, Float64Array>,
  { deltas }: Pick<PeftCase, "deltas">,
  within: number,
): void {
  expect([...found.keys()].sort()).toEqual(Object.keys(deltas).sort());
  for (const [name, delta] of Object.entries(deltas)) {
    expect(relativeError(found.get(name)!, Float64Array.from(delta)), name).toBeLessThan(within);
  }
}

const FULL = /bat|HiRA/;

describe("methods of PEFT that need the base", () => {
  it.each(ON_BASE.map((each) => [each.name, each] as const))("%s: the deltas that PEFT adds", async (_, each) => {
    const adapter = await onBase(each);
    expect(adapter).toMatchObject({ format: "peft", variants: [], unknownFields: [], baseModel: null });
    expectDeltas(await deltasOf(adapter), each, 1e-6);
  });

  it.each(ON_BASE.map((each) => [each.name, each] as const))(
    "%s: refused without the base, with the command that takes it",
    async (_, each) => {
      const { modules, variants } = await openCase(each);
      expect(modules.size).toBe(0);
      expect(variants).toMatchObject([{ id: "other_method", method: each.config.peft_type }]);
      expect(variants[0]!.text).toMatch(/lora-lego convert --base DIR/);
    },
  );

  it.each(ON_BASE.map((each) => [each.name, each] as const))("%s: its own rank, or a larger one", async (_, each) => {
    const full = await atRank(wasmKernels(), await onBase(each), 8);
    expectDeltas(await deltasOf(full), each, FULL.test(each.name) ? 1e-5 : 1e-6);
    const adapter = await onBase(each);
    const own = await atRank(wasmKernels(), adapter, null);
    const ranks = [...own.modules.values()].map(({ rank }) => rank);
    if (!FULL.test(each.name)) expect(own).toBe(adapter);
    else expect(new Set(ranks)).toEqual(new Set([2]));
  });

  it("says what a LoRA of a delta of full rank keeps, and keeps the most", async () => {
    const each = peftCase("HiRA");
    const { modules, notices } = await atRank(wasmKernels(), await onBase(each), 1);
    const [notice] = notices;
    expect(notices).toHaveLength(1);
    expect(notice!.id).toBe("method-extracted");
    const kept = Number(/keep ([\d.]+)%/.exec(notice!.text)![1]) / 100;
    const found = await deltasOf(await atRank(wasmKernels(), await onBase(each), 1));
    let [squares, lost] = [0, 0];
    for (const [name, delta] of Object.entries(each.deltas)) {
      for (const [x, value] of delta.entries()) {
        squares += value ** 2;
        lost += (value - found.get(name)![x]!) ** 2;
      }
    }
    expect(modules.size).toBe(3);
    expect(kept).toBeCloseTo(1 - lost / squares, 3);
  });

  it("takes no part of a base of another size", async () => {
    const each = peftCase("HiRA with a pattern, which does not count");
    const wide = { ...each.weights!, q: (each.weights!.q as number[][]).map((row) => [...row, 1]) };
    expect(String(await rejection(onBase(each, wide)))).toMatch(/q has 6 inputs, but 7 in base; pass the base model/);
    const { q: _, ...lacking } = each.weights!;
    expect(String(await rejection(onBase(each, lacking)))).toMatch(/base has no tensor q\.weight, which q adapts/);
    const bat = peftCase("MiSS as bat");
    const odd = { ...bat.weights!, q: (bat.weights!.q as number[][]).map((row) => row.slice(1)) };
    expect(String(await rejection(onBase(bat, odd)))).toMatch(/5 inputs in base, which blocks of 2 do not divide/);
    const short = { ...bat.weights!, q: (bat.weights!.q as number[][]).slice(1) };
    expect(String(await rejection(onBase(bat, short)))).toMatch(
      /q as a linear layer of 8 outputs; pass the base model/,
    );
  });

  it.each(ON_BASE.map((each) => [each.name, each] as const))(
    "%s: refused with any tensor of integers",
    async (_, each) => {
      for (const tensor of ofIntegers(each)) {
        const opening = onBase(each, each.weights!, GPT2, [tensor]);
        expect((await rejection(opening)).message).toBe(NO_FLOATS(tensor.name));
      }
    },
  );

  it.each(Object.entries(SQUARE))("takes no %s of a layer whose base has fewer outputs", async (method, tensors) => {
    const each = { config: { peft_type: method, r: 2, target_modules: ["k_proj"] }, tensors };
    const open = (weight: Nested, modelType: string | null) =>
      onBase(each, { k_proj: weight }, { modelType } as Config);
    expect((await open(ones(16, 16), "llama")).modules.get("k_proj")).toMatchObject({ in: 16, out: 16 });
    // Key heads that share values: (4, 16) is not a turned (16, 4).
    expect((await rejection(open(ones(4, 16), "llama"))).message).toBe(
      "base: k_proj.weight is F32 (4, 16), but the adapter has k_proj as a linear layer of 16 outputs; pass the base model that the adapter was trained on, in f32, f16 or bf16.",
    );
    // c_fc alone is turned in GPT-2.
    expect(String(await rejection(open(ones(4, 16), "gpt2")))).toMatch(/of 16 outputs; pass the base model/);
  });

  it("goes by the shape where the config has no model_type", async () => {
    const { tensors, config, weights, deltas } = peftCase("VeRA");
    for (const modelType of ["gpt2", null]) {
      const adapter = await onBase({ tensors, config }, weights!, { modelType } as Config);
      expectDeltas(await deltasOf(adapter), { deltas }, 1e-6);
    }
  });

  it.each(["VeRA", "PVeRA", "RandLora"])("refuses a %s without its random matrices", async (name) => {
    const each = peftCase(name);
    const kept = Object.entries(each.tensors).filter(([key]) => !/^base_model\.\w+_A$/.test(key));
    const opening = onBase({ ...each, tensors: Object.fromEntries(kept) });
    expect(String(await rejection(opening))).toMatch(/was saved without \w+_A, .*save_projection=True\.$/);
  });

  it("reads Bone, which MiSS was called before", async () => {
    const miss = peftCase("MiSS");
    const tensors = Object.entries(miss.tensors).map(
      ([key, values]) => [key.replace("miss_", "bone_"), values] as const,
    );
    const bone = { ...miss, config: { ...miss.config, peft_type: "BONE" }, tensors: Object.fromEntries(tensors) };
    expectDeltas(await deltasOf(await onBase(bone)), miss, 1e-6);
  });
});
