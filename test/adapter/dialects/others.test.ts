import { describe, expect, it } from "vitest";
import { isWholeDifferences } from "../../../src/adapter/dialects/foreign.ts";
import { openAdapter } from "../../../src/adapter/open.ts";
import { FormatError, RefusedError } from "../../../src/core/errors.ts";
import { type GgufField, layoutGguf } from "../../../src/formats/gguf/layout.ts";
import { filled, memoryFolder, rejection } from "../../support/memory-folder.ts";
import { openFile } from "../../support/open-file.ts";

describe("GGUF", () => {
  const FACTORS = [
    { name: "blk.7.attn_q.weight.lora_a", dtype: "F32", shape: [1, 2] },
    { name: "blk.7.attn_q.weight.lora_b", dtype: "F32", shape: [3, 1] },
  ] as const;
  const TYPE = [
    ["general.type", "adapter"],
    ["adapter.type", "lora"],
  ] as const;
  function open(
    fields: readonly (readonly [string, GgufField])[],
    tensors: Parameters<typeof layoutGguf>[1] = FACTORS,
  ) {
    const { header, size } = layoutGguf([...TYPE, ...fields], tensors);
    const bytes = new Uint8Array(size);
    bytes.set(header);
    return openAdapter(memoryFolder("it", { "x.gguf": bytes }));
  }

  it("is refused where it holds a tensor that is no factor", async () => {
    const error = await rejection(open([], [...FACTORS, { name: "output.weight", dtype: "F32", shape: [2, 2] }]));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toBe(
      "it: the tensor output.weight is not a LoRA factor, so merging the factors alone would lose it; convert the adapter again without it.",
    );
  });

  it("is refused with an alpha that is no finite number", async () => {
    const error = await rejection(open([["adapter.lora.alpha", Number.POSITIVE_INFINITY]]));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toBe(
      "it: adapter.lora.alpha is Infinity, but must be a finite number; convert the adapter again.",
    );
  });

  it("names its base where it says so", async () => {
    expect((await open([["general.base_model.0.name", "Base 7B"]])).baseModel).toBe("Base 7B");
    expect((await open([])).baseModel).toBeNull();
  });
});

describe("MLX", () => {
  it("is refused where it holds a tensor that is neither a factor nor a magnitude", async () => {
    const factors = [filled("model.q.lora_a", [2, 1]), filled("model.q.lora_b", [1, 2])];
    const config = { "adapter_config.json": JSON.stringify({ lora_parameters: { rank: 1, scale: 1 } }) };
    expect((await openFile(factors, {}, config)).modules.size).toBe(1);
    const error = await rejection(openFile([...factors, filled("model.q.scales", [2])], {}, config));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toBe(
      "it: the tensor model.q.scales is not part of an MLX LoRA adapter; train it as plain LoRA.",
    );
  });
});

describe("a file of no dialect that is read as LoRA", () => {
  it("is called by the tensor that shows what it is, wherever that stands", async () => {
    const tensors = [filled("lora_unet_x.alpha", []), filled("lora_unet_x.oft_blocks", [1, 2, 2])];
    const { format, variants } = await openFile(tensors);
    expect(format).toBe("foreign");
    expect(variants[0]!.text).toMatch(/^is a Diag-OFT or BOFT of LyCORIS \(tensor lora_unet_x\.oft_blocks\)/);
  });

  it("holds whole differences only where it holds nothing else", () => {
    expect(isWholeDifferences(["a.diff", "a.diff_b"])).toBe(true);
    expect(isWholeDifferences(["a.diff", "a.weight"])).toBe(false);
    expect(isWholeDifferences([])).toBe(false);
  });
});
