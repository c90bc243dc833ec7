import { describe, expect, it } from "vitest";
import { RefusedError } from "../../src/core/errors.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { baseConfig } from "../support/base-config.ts";
import { CASES_ABSENT, caseConfig, casePath, hasCases } from "../support/cases.ts";
import { openPico, randomAdapter } from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";

const EMBEDDING = { "model.embed_tokens": { in: 7, out: 3, kind: "embedding" as const } };
const HEAD = { lm_head: { in: 3, out: 7 } };

describe("a tied base in GGUF files", () => {
  it.each([
    ["llama", EMBEDDING, true, /model\.embed_tokens is the embedding.*--exclude model\.embed_tokens.*lora-lego fuse/],
    ["llama", HEAD, true, /lm_head is the head.*llama\.cpp has no tensor of its own.*--exclude lm_head/],
    ["gemma", EMBEDDING, undefined, /is the embedding/],
    ["gpt2", { "transformer.wte": { in: 7, out: 3, kind: "embedding" as const } }, undefined, /is the embedding/],
    ["llama", { output: { in: 3, out: 7 } }, true, /output is the head/],
    ["llama", { token_embd: { in: 3, out: 7 } }, true, /token_embd is the embedding/],
  ])("of %s refuses %j (tie_word_embeddings %s)", async (type, modules, tied, words) => {
    const adapter = await openPico("mine", randomAdapter(1, { modules }));
    const convert = () =>
      loadedWriter("gguf").convert(adapter, baseConfig({ model_type: type, tie_word_embeddings: tied }));
    expect(convert).toThrow(RefusedError);
    expect(convert).toThrow(words);
  });

  it("takes both where they are apart", async () => {
    const adapter = await openPico("mine", randomAdapter(1, { modules: { ...EMBEDDING, ...HEAD } }));
    const { tensors } = loadedWriter("gguf").convert(
      adapter,
      baseConfig({ model_type: "qwen2", tie_word_embeddings: false }),
    );
    expect(tensors.map(({ name }) => name).sort()).toEqual([
      "output.weight.lora_a",
      "output.weight.lora_b",
      "token_embd.weight.lora_a",
      "token_embd.weight.lora_b",
    ]);
  });

  it("never holds embeddings that llama.cpp adds no delta to", async () => {
    const modules = { "transformer.wpe": { in: 7, out: 3, kind: "embedding" as const } };
    const adapter = await openPico("mine", randomAdapter(1, { modules }));
    expect(() => loadedWriter("gguf").convert(adapter, baseConfig({ model_type: "gpt2" }))).toThrow(
      /transformer\.wpe is not a module that llama\.cpp adapts in gpt2 models/,
    );
  });
});

describe.skipIf(!hasCases)(`public cases of tied bases${CASES_ABSENT}`, () => {
  it.each([
    ["gguf-tied-embed/a", "gguf-tied-embed/config.json"],
    ["gguf-tied-embed/a.gguf", "gguf-tied-embed/config.json"],
    ["gguf-tied-lm-head/a", "gguf-tied-lm-head/config-qwen2.json"],
    ["gguf-tied-lm-head/a", "gguf-tied-lm-head/config-qwen3.json"],
    ["gguf-tied-lm-head/a", "gguf-tied-lm-head/config-llama.json"],
    ["gguf-tied-lm-head/a", "gguf-tied-lm-head/config-gemma2.json"],
    ["gguf-tied-lm-head/a", "gguf-tied-lm-head/config-gemma3_text.json"],
    ["llamacpp-tied-real/embed", "gguf-tied-embed/config.json"],
    ["llamacpp-tied-real/lmhead", "gguf-tied-embed/config.json"],
    ["llamacpp-tied-real/embed.gguf", "gguf-tied-embed/config.json"],
  ])("%s is refused by %s", async (path, config) => {
    const { adapter, close } = await openAdapterPath(casePath(`llm/${path}`));
    try {
      expect(() => loadedWriter("gguf").convert(adapter, caseConfig(`llm/${config}`))).toThrow(/tie_word_embeddings/);
    } finally {
      close();
    }
  });
});
