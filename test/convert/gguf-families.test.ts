import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { GGUF_FAMILIES } from "../../src/adapter/names/gguf-families.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { baseConfig } from "../support/base-config.ts";
import { moduleDelta } from "../support/experts.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { decodeAdapter, openPico, randomAdapter, relativeError } from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";
import { written } from "../support/written.ts";

/** What tools/consumers/gguf_families.py found: names by gguf's TensorNameMap, orders of rows by llama.cpp's own conversion. */
interface Family {
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly model_type: string };
  readonly modules: readonly {
    readonly module: string;
    readonly shape: readonly [number, number];
    readonly name: string;
    /** Entry i is the row that becomes row i; null where they stay. */
    readonly order: readonly number[] | null;
  }[];
}

const { families } = JSON.parse(readFileSync(new URL("../golden/gguf/families.json", import.meta.url), "utf8")) as {
  readonly families: readonly Family[];
};

const CASES = families.map((family) => [family.config.model_type, family] as const);

/** An adapter of a family's weights under Hugging Face's names, but for embeddings that the head shares. */
function adapterOf({ config, modules }: Family, rename = (module: string) => module): Promise<Adapter> {
  const tied = config.tie_word_embeddings === true;
  const shapes = modules.flatMap(({ module, name, shape: [out, inputs] }) => {
    if (name !== "token_embd") return [[rename(module), { in: inputs, out }] as const];
    return tied ? [] : [[rename(module), { in: out, out: inputs, kind: "embedding" as const }] as const];
  });
  return openPico("mine", randomAdapter(7, { modules: Object.fromEntries(shapes), rank: 3 }));
}

async function throughGguf(adapter: Adapter, { config }: Family): Promise<Adapter> {
  const base = baseConfig(config);
  const bytes = (await written(adapter, "gguf", base))["adapter.gguf"] as Uint8Array;
  return openAdapter(memoryFolder("there", { "x.gguf": bytes }), { baseConfig: base });
}

describe.each(CASES)("%s in GGUF", (_, family) => {
  it("has the names and the rows of llama.cpp's own conversion", async () => {
    const { tensors } = loadedWriter("gguf").convert(await adapterOf(family), baseConfig(family.config));
    const found = tensors
      .filter(({ name }) => name.endsWith(".lora_b"))
      .map(({ name, content }) => [
        name,
        "entries" in content && content.entries != null ? Array.from(content.entries) : null,
      ]);
    const expected = family.modules
      .filter(({ name }) => name !== "token_embd" || family.config.tie_word_embeddings !== true)
      .map(({ name, order }) => [`${name}.weight.lora_b`, order]);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it("comes back with the same deltas under the same names", async () => {
    const adapter = await adapterOf(family);
    const there = await throughGguf(adapter, family);
    expect([...there.modules.keys()].sort()).toEqual([...adapter.modules.keys()].sort());
    for (const [name, module] of adapter.modules) {
      expect(there.modules.get(name)!.kind).toBe(module.kind);
      const [one, other] = [await moduleDelta(adapter, module), await moduleDelta(there, there.modules.get(name)!)];
      expect(relativeError(other, one)).toBeLessThan(1e-6);
    }
  });

  it("merges with the PEFT adapter that it was made from", async () => {
    const adapter = await adapterOf(family);
    const there = await throughGguf(adapter, family);
    const { config, weights } = await mergeInMemory([adapter, there], { method: "cat" });
    const merged = decodeAdapter(JSON.stringify(config), weights);
    expect([...merged.modules.keys()].sort()).toEqual([...adapter.modules.keys()].sort());
    for (const [name, module] of adapter.modules) {
      const twice = (await moduleDelta(adapter, module)).map((value) => 2 * value);
      expect(relativeError(merged.modules.get(name)!.delta, twice)).toBeLessThan(1e-6);
    }
  });
});

describe("GGUF's families", () => {
  it("are all held to llama.cpp", () => {
    const held = new Set(families.map(({ architecture }) => architecture));
    expect(GGUF_FAMILIES.filter(({ architecture }) => !held.has(architecture))).toEqual([]);
    for (const { architecture, modules, around } of GGUF_FAMILIES) {
      const names = new Set(
        families
          .filter((family) => family.architecture === architecture)
          .flatMap((family) => family.modules.map(({ name }) => name.replace(/^blk\.1\./, ""))),
      );
      const ours = [...Object.values(modules), ...Object.values(around)].filter((name) => name !== "position_embd");
      expect([architecture, ours.filter((name) => !names.has(name))]).toEqual([architecture, []]);
    }
  });

  it("tell a multimodal model from its language model alone", async () => {
    const module = { "model.language_model.layers.1.mlp.up_proj": { in: 4, out: 4 } };
    const adapter = await openPico("mine", randomAdapter(1, { modules: module }));
    const architectureOf = (config: object): string => {
      const { layout } = loadedWriter("gguf").convert(adapter, baseConfig(config as Family["config"]));
      return new TextDecoder().decode(layout.header).match(/general\.architecture[^a-z]+([a-z0-9-]+)/)![1]!;
    };
    expect(architectureOf({ model_type: "mistral3", text_config: { model_type: "mistral" } })).toBe("mistral3");
    expect(architectureOf({ model_type: "llava", text_config: { model_type: "mistral" } })).toBe("llama");
    expect(architectureOf({ model_type: "mistral" })).toBe("llama");
  });

  it("merge with PEFT adapters of multimodal models, whose names are wrapped", async () => {
    const family = families.find(({ config }) => config.model_type === "qwen2_vl")!;
    const adapter = await adapterOf(family, (module) => module.replace("model.", "model.language_model."));
    const there = await throughGguf(adapter, family);
    const { config, weights } = await mergeInMemory([adapter, there], { method: "cat" });
    const merged = decodeAdapter(JSON.stringify(config), weights);
    for (const [name, module] of adapter.modules) {
      const twice = (await moduleDelta(adapter, module)).map((value) => 2 * value);
      expect(relativeError(merged.modules.get(name)!.delta, twice)).toBeLessThan(1e-6);
    }
  });

  it.each([
    ["deepseek_v3", "model.layers.1.self_attn.kv_b_proj", /applies no LoRA to either; leave it out .*lora-lego fuse/],
    ["gemma3n", "model.layers.1.altup.modality_router", /is not a module that llama\.cpp adapts in .* leave it out/],
  ])("of %s refuse %s, to which llama.cpp adds no delta", async (type, module, words) => {
    const { config } = families.find((family) => family.config.model_type === type)!;
    const adapter = await openPico("mine", randomAdapter(1, { modules: { [module]: { in: 16, out: 24 } } }));
    expect(() => loadedWriter("gguf").convert(adapter, baseConfig(config))).toThrow(words);
  });
});
