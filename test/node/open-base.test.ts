import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FormatError, UsageError } from "../../src/core/errors.ts";
import { layoutGguf } from "../../src/formats/gguf/layout.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { openBase } from "../../src/node/input/open-base.ts";
import { filled, rejection } from "../support/memory-folder.ts";
import { MockHub } from "../support/mock-hub.ts";
import { writeModel } from "../support/models.ts";
import { tempFolder } from "../support/pico.ts";

const folder = tempFolder();
const text = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const CONFIG = { model_type: "llama", architectures: ["LlamaForCausalLM"], tie_word_embeddings: true };
const BIG = 3 << 20;
/** A model whose weights are much larger than its header. */
const weights = encodeSafetensors([
  filled("model.embed_tokens.weight", [BIG / 24, 6]),
  filled("model.layers.0.self_attn.q_proj.weight", [8, 6]),
]);

let hub: MockHub;
beforeAll(async () => {
  const files = { "config.json": text(CONFIG), "model.safetensors": weights };
  hub = await MockHub.start({ "acme/base": { files, large: ["model.safetensors"] } });
});
afterAll(() => hub.stop());

describe("a base model", () => {
  it("is a folder in safetensors, one file or shards, with its config", async () => {
    const tensors = [{ "model.layers.0.mlp.up_proj.weight": [[1, 2]] }, { "lm_head.weight": [[1], [2]] }];
    for (const parts of [[{ ...tensors[0], ...tensors[1] }], tensors]) {
      const path = writeModel(join(folder, `parts-${parts.length}`), parts as typeof tensors);
      const base = (await openBase({ base: path }))!;
      expect(base).toMatchObject({ name: `parts-${parts.length}`, tied: false, config: { modelType: "pico" } });
      expect([...base.modules!].sort()).toEqual([
        ["lm_head", [2, 1]],
        ["model.layers.0.mlp.up_proj", [1, 2]],
      ]);
    }
  });

  it("is a file that is named, link or not; what a folder holds must be its own", async () => {
    const path = writeModel(join(folder, "real"), [{ "lm_head.weight": [[1]] }]);
    const gguf = join(path, "model.gguf");
    writeFileSync(gguf, layoutGguf([["general.architecture", "llama"]], []).header);
    const links = join(folder, "links");
    mkdirSync(links);
    for (const [target, name] of [
      [join(path, "model.safetensors"), "named.safetensors"],
      [gguf, "named.gguf"],
    ] as const) {
      symlinkSync(target, join(links, name));
      const [linked, own] = [await openBase({ base: join(links, name) }), await openBase({ base: target })];
      expect(linked!.modules).toEqual(own!.modules);
    }
    expect((await rejection(openBase({ base: links }))).message).toMatch(/is a link out of its folder/);
  });

  it("is a config alone, or decides by that where both are given", async () => {
    const config = join(folder, "config.json");
    writeFileSync(config, JSON.stringify(CONFIG));
    expect(await openBase({ baseConfig: config })).toMatchObject({ name: "config.json", modules: null, tied: true });
    const path = writeModel(join(folder, "both"), [{ "lm_head.weight": [[1]] }]);
    const base = await openBase({ base: join(path, "model.safetensors"), baseConfig: config });
    expect(base).toMatchObject({ name: "both", tied: true, config: { architectures: ["LlamaForCausalLM"] } });
    expect(base!.modules!.size).toBe(1);
    expect(await openBase({})).toBe(null);
  });

  it("lies on the Hub, of which headers and config alone are fetched", async () => {
    const base = await openBase({ base: "hf://acme/base" }, { settings: hub.settings(join(folder, "cache")) });
    expect(base).toMatchObject({ tied: true, config: { modelType: "llama" } });
    expect(base!.modules!.get("model.layers.0.self_attn.q_proj")).toEqual([8, 6]);
    const ranges = hub.requests.flatMap(({ range }) => /bytes=(\d+)-(\d+)/.exec(range ?? "")?.slice(1) ?? []);
    const fetched = ranges.reduce((sum, edge, i) => sum + (i % 2 === 0 ? -Number(edge) : Number(edge) + 1), 0);
    expect(fetched).toBeGreaterThan(0);
    expect(fetched).toBeLessThan(BIG / 4);
    const settings = hub.settings(join(folder, "cache"));
    const file = await openBase({ base: "hf://acme/base/model.safetensors" }, { settings });
    expect([...file!.modules!]).toEqual([...base!.modules!]);
  });

  it.each([
    ["none", UsageError, /no folder .*none/],
    ["notes.txt", UsageError, /is not a model; pass its folder/],
    ["model-00001-of-00002.safetensors", UsageError, /one of several files/],
    ["damaged.gguf", FormatError, /damaged\.gguf/],
  ])("is refused in words where it is %s", async (file, kind, words) => {
    if (file !== "none") writeFileSync(join(folder, file), "some text that is no model at all, in a few words");
    const error = await rejection(openBase({ base: join(folder, file) }));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(words);
  });

  it("is refused where it is an adapter", async () => {
    const file = join(folder, "adapter.gguf");
    writeFileSync(file, layoutGguf([["general.type", "adapter"]], []).header);
    expect((await rejection(openBase({ base: file }))).message).toMatch(/adapter\.gguf is an adapter; pass the GGUF/);
  });

  it("is refused where the config is none", async () => {
    const missing = await rejection(openBase({ baseConfig: join(folder, "no.json") }));
    expect(missing.message).toMatch(/no file .*no\.json; pass /);
  });
});
