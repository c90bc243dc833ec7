import { describe, expect, it } from "vitest";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { FormatError } from "../../src/core/errors.ts";
import { layoutGguf } from "../../src/formats/gguf/layout.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { baseConfig } from "../support/base-config.ts";
import { linear, memoryFolder, openPeft, rejection } from "../support/memory-folder.ts";
import { written } from "../support/written.ts";

const BASE = baseConfig({ model_type: "mistral", num_attention_heads: 2, num_key_value_heads: 1 });
const LLAMACPP = consumerById("llamacpp");
const open = (tokens: unknown) =>
  openPeft(linear("model.layers.0.self_attn.v_proj"), {
    target_modules: ["v_proj"],
    alora_invocation_tokens: tokens,
  });

/** A GGUF field of an array of uint32, as llama.cpp's convert_lora_to_gguf.py writes it with the package gguf 0.19. */
function field(key: string, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + key.length + 4 + 4 + 8 + 4 * values.length);
  bytes.writeBigUInt64LE(BigInt(key.length), 0);
  bytes.write(key, 8);
  // ARRAY of UINT32
  for (const [i, number] of [9, 4, values.length, 0, ...values].entries()) {
    bytes.writeUInt32LE(number, 8 + key.length + 4 * i);
  }
  return bytes;
}

describe("an activated LoRA", () => {
  it("keeps in GGUF the tokens after which it acts", async () => {
    const tokens = [128000, 0, 2 ** 32 - 1];
    const bytes = (await written(await open(tokens), "gguf", BASE))["adapter.gguf"] as Uint8Array;
    expect(Buffer.from(bytes).includes(field("adapter.alora.invocation_tokens", tokens))).toBe(true);
    const there = await openAdapter(memoryFolder("there", { "x.gguf": bytes }));
    expect(there.variants.map(({ id }) => id)).toEqual(["alora"]);
    expect([...there.modules.keys()]).toEqual(["model.layers.0.self_attn.v_proj"]);
    expect(checkOpened(there, LLAMACPP).findings).toEqual([]);
  });

  it("is told to be converted, which works, before llama.cpp loads it", async () => {
    const { findings } = checkOpened(await open([1]), LLAMACPP);
    expect(findings.map(({ text }) => text)).toContainEqual(expect.stringMatching(/convert it to gguf/));
  });

  it("is refused in formats without tokens", async () => {
    for (const to of ["kohya", "mlx"]) {
      expect((await rejection(written(await open([1]), to))).message).toMatch(/activated LoRA/);
    }
  });

  it("of a GGUF file keeps its tokens in PEFT and in GGUF again, and merges with a folder of the same tokens", async () => {
    const tokens = [7, 2 ** 32 - 1];
    const folder = await open(tokens);
    const bytes = (await written(folder, "gguf", BASE))["adapter.gguf"] as Uint8Array;
    const read = await openAdapter(memoryFolder("there", { "x.gguf": bytes }));
    expect(read.invocationTokens).toEqual(tokens);
    expect((await written(read, "gguf", BASE))["adapter.gguf"]).toEqual(bytes);
    const again = await openAdapter(memoryFolder("again", await written(read, "peft")));
    expect(again.invocationTokens).toEqual(tokens);
    const { config } = await mergeInMemory([folder, read], { method: "cat" });
    expect(config.alora_invocation_tokens).toEqual(tokens);
    const error = await rejection(mergeInMemory([await open([7]), read], { method: "cat" }));
    expect(error.message).toMatch(/acts after the tokens 7 and there after the tokens 7, 4294967295/);
  });

  it.each([
    ["a text", "adapter.alora.invocation_tokens", "7"],
    ["negative numbers", "adapter.alora.invocation_tokens", { int32s: [-1] }],
  ] as const)("of a GGUF file has token ids, not %s", async (_, key, value) => {
    const layout = layoutGguf(
      [
        ["general.architecture", "qwen2"],
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
        [key, value],
      ],
      ["a", "b"].map((half) => ({ name: `blk.0.attn_v.weight.lora_${half}`, dtype: "F32", shape: [1, 1] })),
    );
    const bytes = new Uint8Array(layout.size);
    bytes.set(layout.header);
    const error = await rejection(openAdapter(memoryFolder("bad", { "x.gguf": bytes })));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(/adapter\.alora\.invocation_tokens is .*, but must be an array of token ids/);
  });

  it.each([[["a"]], [[-1]], [[1.5]], [[2 ** 32]], ["text"], [{ a: 1 }]])("has token ids, not %j", async (tokens) => {
    const error = await rejection(open(tokens));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(/alora_invocation_tokens is .* but must be a list of token ids or null/);
  });
});
