import { describe, expect, it } from "vitest";
import { FormatError, RefusedError } from "../../../src/core/errors.ts";
import { A, across, B, deltasOf, openDialect, times } from "../../support/dialect.ts";
import { rejection } from "../../support/memory-folder.ts";

describe("MLX", () => {
  const NAME = "model.layers.0.self_attn.q_proj";
  const tensors = { [`${NAME}.lora_a`]: across(A), [`${NAME}.lora_b`]: across(B) };
  const config = { fine_tune_type: "lora", num_layers: 4, lora_parameters: { rank: 2, scale: 10, alpha: 16 } };

  it("reads the transposed factors, the scale as it is", async () => {
    const adapter = await openDialect(tensors, undefined, config);
    expect(adapter).toMatchObject({ format: "mlx", someLayers: true });
    expect(await deltasOf(adapter)).toEqual({ [NAME]: times(10) });
  });

  it("tells embeddings by their names", async () => {
    const { modules } = await openDialect(
      { "model.embed_tokens.lora_a": across(A), "model.embed_tokens.lora_b": across(B) },
      undefined,
      { lora_parameters: { rank: 2, scale: 1 } },
    );
    expect(modules.get("model.embed_tokens")).toMatchObject({ kind: "embedding", in: 3, out: 2 });
  });

  it.each([
    ["has no config", undefined, FormatError, "adapter_config.json"],
    ["has PEFT's config", { peft_type: "LORA", r: 2 }, FormatError, "lora_parameters"],
    ["has another rank", { lora_parameters: { rank: 4, scale: 1 } }, FormatError, "rank 4"],
    ["has a scale in words", { lora_parameters: { rank: 2, scale: "10" } }, FormatError, "lora_parameters.scale"],
    ["is a full fine-tune", { ...config, fine_tune_type: "full" }, RefusedError, "full"],
  ])("is refused where it %s", async (_, own, kind, words) => {
    const error = await rejection(openDialect(tensors, undefined, own));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(words);
  });

  it("refuses experts", async () => {
    const error = await rejection(
      openDialect({ [`${NAME}.lora_a`]: [across(A)], [`${NAME}.lora_b`]: [across(B)] }, undefined, config),
    );
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("experts");
  });
});
