import { describe, expect, it } from "vitest";
import { pairFactors } from "../../src/adapter/factor-pairs.ts";
import { FormatError } from "../../src/core/errors.ts";
import { filled, type MemoryFiles, rejection } from "../support/memory-folder.ts";
import { openFile } from "../support/open-file.ts";

const UNET = "unet.down_blocks.0.attentions.0.proj_in";
const MLX = { "adapter_config.json": JSON.stringify({ lora_parameters: { rank: 1, scale: 1 } }) };

async function refusal(keys: readonly string[], beside: MemoryFiles = {}): Promise<string> {
  const tensors = keys.map((key) => filled(key, [1, 1]));
  const error = await rejection(openFile(tensors, {}, beside));
  expect(error).toBeInstanceOf(FormatError);
  return error.message;
}

describe("a module of one factor", () => {
  it.each([
    ["kohya", "lora_unet_x.lora_down.weight", "lora_unet_x", "lora_down", "lora_up", {}],
    ["kohya", "lora_unet_x.lora_up.weight", "lora_unet_x", "lora_up", "lora_down", {}],
    ["diffusers", `${UNET}.lora_A.weight`, UNET, "lora_A", "lora_B", {}],
    ["diffusers", `${UNET}.lora.up.weight`, UNET, "lora_B", "lora_A", {}],
    ["GGUF", "blk.0.attn_q.weight.lora_b", "blk.0.attn_q", "lora_b", "lora_a", {}],
    ["MLX", "model.q.lora_a", "model.q", "lora_a", "lora_b", MLX],
    ["lora_diffusion", "unet:3:up", "unet:3", "up", "down", {}],
  ])("is refused in the words of %s", async (_, key, path, has, lacks, beside) => {
    expect(await refusal([key], beside)).toBe(
      `it: ${path} has ${has} but no ${lacks}; the file is incomplete, save or copy it again.`,
    );
  });
});

describe("a module of two factors for one half", () => {
  it("is refused by the names of both", async () => {
    const keys = [`${UNET}.lora.down.weight`, `${UNET}.lora_A.weight`, `${UNET}.lora_B.weight`];
    expect(await refusal(keys)).toBe(
      `it: ${UNET}.lora.down.weight and ${UNET}.lora_A.weight are both the lora_A of ${UNET}; remove the one that does not belong to the adapter.`,
    );
  });
});

describe("two factors", () => {
  it("are a linear layer's where their keys do not speak of embeddings", () => {
    const tensors = ["q a", "q b", "e a", "e b"].map((name) => {
      return { name, file: 0, dtype: "F32" as const, shape: [1, 1], begin: 0, end: 4 };
    });
    const keyOf = (key: string) => {
      const [path, half] = key.split(" ") as [string, "a" | "b"];
      return { path, half, ...(path === "e" && { embedding: true }) };
    };
    const { pairs } = pairFactors("it", tensors, keyOf, { a: "a", b: "b" });
    expect(pairs.map(({ path, stored }) => [path, stored])).toEqual([
      ["q", "linear"],
      ["e", "embedding"],
    ]);
  });
});
