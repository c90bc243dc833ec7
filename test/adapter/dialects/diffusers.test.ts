import { describe, expect, it } from "vitest";
import { FormatError, RefusedError } from "../../../src/core/errors.ts";
import { filled, rejection } from "../../support/memory-folder.ts";
import { openFile as open } from "../../support/open-file.ts";

const CONV_IN = "unet.conv_in";
const TEXT = "text_encoder.text_model.encoder.layers.0.mlp.fc1";
const BARE = "transformer_blocks.0.attn.to_q";
const pair = (path: string, out = 2) => [
  filled(`${path}.lora_A.weight`, [2, 3]),
  filled(`${path}.lora_B.weight`, [out, 2]),
];
const alpha = (path: string, value: number) => ({
  ...filled(`${path}.alpha`, []),
  data: new Uint8Array(Float32Array.of(value).buffer),
});
const said = (fields: object) => ({ lora_adapter_metadata: JSON.stringify(fields) });

describe("the LoraConfig in a diffusers file's metadata", () => {
  it("matches patterns with names inside of the component", async () => {
    const fields = { "unet.r": 2, "unet.lora_alpha": 4, "unet.alpha_pattern": { "^conv_in": 6 } };
    const { modules } = await open([...pair(CONV_IN), ...pair("unet.conv_out")], said(fields));
    expect(Array.from(modules.values(), ({ name, scale }) => [name, scale])).toEqual([
      [CONV_IN, 3],
      ["unet.conv_out", 2],
    ]);
  });

  it("is counted by the modules that take their scale from it, beside those that have an alpha", async () => {
    const fields = { "unet.r": 2, "unet.lora_alpha": 4 };
    const { alphas, modules } = await open([...pair(CONV_IN), ...pair(TEXT), alpha(TEXT, 8)], said(fields));
    expect(alphas).toEqual({ own: 1, inMetadata: 1 });
    expect([modules.get(CONV_IN)!.scale, modules.get(TEXT)!.scale]).toEqual([2, 4]);
  });

  it("makes the variants that its fields promise", async () => {
    const adapter = await open(pair(CONV_IN), said({ "unet.r": 2, "unet.lora_alpha": 2, "unet.use_qalora": true }));
    expect(adapter.variants).toEqual([
      {
        id: "other_method",
        text: "is a QA-LoRA adapter (use_qalora), whose A acts on pooled inputs; retrain it as plain LoRA.",
      },
    ]);
  });

  it("names unknown fields as they stand, with and without a component", async () => {
    const fields = { "unet.r": 2, "unet.lora_alpha": 2, "unet.use_supernova": true };
    expect((await open(pair(CONV_IN), said(fields))).unknownFields).toEqual(["unet.use_supernova"]);
    const alone = { r: 2, lora_alpha: 2, use_supernova: true };
    expect((await open(pair(BARE), said(alone))).unknownFields).toEqual(["use_supernova"]);
  });

  it.each([
    [
      "of its component",
      CONV_IN,
      { "unet.r": 2, "unet.lora_alpha": "x" },
      "lora_adapter_metadata of unet: lora_alpha ",
    ],
    ["alone", BARE, { r: 2, lora_alpha: "x" }, "lora_adapter_metadata: lora_alpha "],
  ])("is named in errors %s", async (_, path, fields, words) => {
    const error = await rejection(open(pair(path), said(fields)));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain(`it: ${words}`);
  });

  it("is not kept with other metadata, which are", async () => {
    const metadata = { format: "pt", note: "mine", ...said({ "unet.r": 2, "unet.lora_alpha": 2 }) };
    expect([...(await open(pair(CONV_IN), metadata)).metadata]).toEqual([["note", "mine"]]);
  });
});

describe("a diffusers file", () => {
  it("with components is read beside PEFT's config, which cannot be its own", async () => {
    const config = { "adapter_config.json": JSON.stringify({ peft_type: "LORA", r: 2, target_modules: ["x"] }) };
    expect((await open(pair(CONV_IN), {}, config)).modules.get(CONV_IN)).toMatchObject({ scale: 1 });
    const error = await rejection(open([...pair(CONV_IN), ...pair(BARE)], {}, config));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(new RegExp(`^it: ${BARE} starts neither`));
  });

  it("is refused where it holds a tensor that no LoRA has, by its name", async () => {
    const error = await rejection(open([...pair(CONV_IN), filled(`${CONV_IN}.odd`, [2])]));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toBe(
      `it: the tensor ${CONV_IN}.odd is not part of a plain LoRA adapter; merge adapters that hold factors and alphas only.`,
    );
  });

  it("of XLabs' processors keeps a layer whole whose rows are not queries, keys and values", async () => {
    const layer = (out: number) => [
      filled("single_blocks.7.processor.qkv_lora.down.weight", [2, 3]),
      filled("single_blocks.7.processor.qkv_lora.up.weight", [out, 2]),
    ];
    expect([...(await open(layer(6))).modules.keys()]).toEqual(
      ["q", "k", "v"].map((part) => `diffusion_model.single_blocks.7.linear1.${part}`),
    );
    const odd = (await open(layer(7))).modules;
    expect(Array.from(odd.values(), ({ name, out }) => [name, out])).toEqual([
      ["single_blocks.7.processor.qkv_lora", 7],
    ]);
  });
});
