import { describe, expect, it } from "vitest";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
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
    expect(findings.map(({ text }) => text)).toContainEqual(expect.stringMatching(/lora-lego convert --to gguf/));
  });

  it("is refused in other formats, and where a file does not say its tokens", async () => {
    for (const to of ["kohya", "mlx"]) {
      expect((await rejection(written(await open([1]), to))).message).toMatch(/activated LoRA/);
    }
    const bytes = (await written(await open([1]), "gguf", BASE))["adapter.gguf"] as Uint8Array;
    const there = await openAdapter(memoryFolder("there", { "x.gguf": bytes }));
    const error = await rejection(written(there, "gguf", BASE));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(/does not read the tokens .* from gguf files; pass the PEFT folder/);
  });

  it.each([[["a"]], [[-1]], [[1.5]], [[2 ** 32]], ["text"], [{ a: 1 }]])("has token ids, not %j", async (tokens) => {
    const error = await rejection(open(tokens));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(/alora_invocation_tokens is .* but must be a list of token ids or null/);
  });
});
