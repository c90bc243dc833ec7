import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { refuseMisfits } from "../../src/adapter/compatibility.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { filled, keyOf, linear, openPeft } from "../support/memory-folder.ts";

/** An adapter of linear modules of these names, all of one shape. */
const adapterOf = (name: string, modules: readonly string[], config = {}): Promise<Adapter> =>
  openPeft(
    modules.flatMap((module) => linear(module)),
    config,
    name,
  );

const layers = (count: number, prefix = "layers"): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}.${i}.q`);

function refused(adapters: readonly Adapter[], partial: boolean, ...parts: string[]): void {
  const check = (): void => refuseMisfits(adapters, partial);
  expect(check).toThrow(RefusedError);
  for (const part of parts) expect(check).toThrow(part);
}

describe("refuseMisfits", () => {
  it("accepts one adapter, and adapters of equal modules", async () => {
    refuseMisfits([await adapterOf("a", layers(2))], false);
    refuseMisfits([await adapterOf("a", layers(2)), await adapterOf("b", layers(2))], false);
  });

  it("accepts differing sets that share a module and end at the same layer", async () => {
    const one = await adapterOf("one", ["layers.0.q", "layers.3.q"]);
    const other = await adapterOf("other", ["layers.3.q", "layers.3.v", "layers.1.up"]);
    refuseMisfits([one, other], false);
  });

  it("accepts equal shapes of differing ranks, scales and dtypes", async () => {
    const one = await openPeft(linear("layers.0.q", 2, 3, 4, "F16"), {}, "one");
    const other = await openPeft(linear("layers.0.q", 5, 3, 4, "F32"), { r: 5 }, "other");
    refuseMisfits([one, other], false);
  });

  it("refuses a module of two shapes, with both, even where partial sets are allowed", async () => {
    const one = await openPeft(linear("layers.0.q", 2, 3, 4), {}, "one");
    for (const [inputs, out] of [
      [3, 5],
      [2, 4],
    ] as const) {
      const other = await openPeft(linear("layers.0.q", 2, inputs, out), {}, "other");
      for (const partial of [false, true]) {
        refused(
          [one, other],
          partial,
          "one and other",
          `layers.0.q is linear 3 -> 4 in the first and linear ${inputs} -> ${out}`,
        );
      }
    }
  });

  it("names two of several in the order they were given in", async () => {
    const [one, two, three] = [
      await adapterOf("one", ["q"]),
      await openPeft(linear("q", 2, 3, 5), {}, "two"),
      await openPeft(linear("q", 2, 3, 5), {}, "three"),
    ] as const;
    refused([one, two, three], true, "one and two adapt different bases: q is linear 3 -> 4 in the first");
    refused([two, three, one], true, "two and one adapt different bases: q is linear 3 -> 5 in the first");
  });

  it("names the flag that would allow partial sets only where there is one", async () => {
    const apart = [await adapterOf("one", ["q"]), await adapterOf("other", ["v"])];
    const deep = [await adapterOf("one", layers(2)), await adapterOf("other", layers(3))];
    for (const adapters of [apart, deep]) {
      refused(adapters, false, "pass --allow-partial");
      expect(() => refuseMisfits(adapters, false, false)).toThrow(/merge adapters of one base model\.$/);
    }
  });

  it.each([
    ["unknown", "model.layers.0.q", {}, "model.layers.0.v", {}, /, or pass --allow-partial if these are, and/],
    [
      "named",
      "model.layers.0.q",
      { base: "org/Base-1" },
      "model.layers.0.v",
      { base: "org/base-1" },
      /both name the base model org\/Base-1: .* --allow-partial\.$/,
    ],
    [
      "different",
      "model.layers.0.q",
      { base: "a" },
      "model.layers.0.v",
      { base: "b" },
      / are for different base models \(a and b\); merge adapters of one base model\.$/,
    ],
    [
      "unknown by a path and a name",
      "model.layers.0.q",
      { base: "org/Base-1" },
      "model.layers.0.v",
      { base: "./Base-1" },
      /, or pass --allow-partial if these are, and/,
    ],
    [
      "different by their stacks",
      "model.layers.0.q",
      {},
      "transformer.h.0.q",
      {},
      / are for different base models; merge adapters of one base model\.$/,
    ],
    [
      "different of a language model and an image model",
      "unet.down_blocks.0.q",
      {},
      "transformer.h.0.q",
      {},
      / are for different base models; merge adapters of one base model\.$/,
    ],
    [
      "unknown of an image model and a text encoder by itself",
      "unet.down_blocks.0.q",
      {},
      "text_model.encoder.layers.0.q",
      {},
      /, or pass --allow-partial if these are, and/,
    ],
    [
      "unknown of image models",
      "unet.mid.0.q",
      {},
      "text_encoder.layers.0.q",
      {},
      /, or pass --allow-partial if these are, and/,
    ],
  ] as const)(
    "offers to merge what shares no module only where one model may have both: %s",
    async (_, a, one, b, other, text) => {
      const opened = async (name: string, module: string, { base }: { readonly base?: string }) =>
        openPeft(linear(module, 2, 3, 4), { base_model_name_or_path: base ?? null }, name);
      const adapters = [await opened("one", a, one), await opened("other", b, other)];
      expect(() => refuseMisfits(adapters, false)).toThrow(text);
      // No model has both stacks.
      const partly = expect(() => refuseMisfits(adapters, true));
      if (b.startsWith("transformer"))
        partly.toThrow(/ share no module and are for different base models, so no model could load both/);
      else partly.not.toThrow();
    },
  );

  it("says how to translate llama.cpp's names of one of two adapters", async () => {
    const [gguf, plain] = [await adapterOf("g.gguf", ["blk.0.attn_q"]), await adapterOf("plain", layers(1))];
    for (const adapters of [
      [gguf, plain],
      [plain, gguf],
    ]) {
      refused(adapters, false, "g.gguf has llama.cpp's names of modules (such as blk.0.attn_q) and plain has not");
      refused(
        adapters,
        false,
        "convert g.gguf first: lora-lego convert adapter_model.safetensors --to peft --base-config BASE/config.json --out adapter_model-peft (BASE is the base model's folder).",
      );
    }
  });

  it("names the file to translate by its path, where it has one", async () => {
    const [gguf, plain] = [await adapterOf("g.gguf", ["blk.0.attn_q"]), await adapterOf("plain", layers(1))];
    const placed = { ...gguf, files: gguf.files.map((file) => ({ ...file, shown: "/my files/g.gguf" })) };
    refused([placed, plain], false, "lora-lego convert '/my files/g.gguf' --to peft");
  });

  it("speaks of swapped sizes of experts only where they explain the difference", async () => {
    const GATE_UP = "l.experts.0.gate_up_proj";
    const DOWN = "l.experts.0.down_proj";
    // A hidden size of 3, 5 inner units for each expert: gate and up are 3 -> 10, down is 5 -> 3.
    const experts = (name: string, hidden: number, inner: number) =>
      openPeft([...linear(GATE_UP, 2, hidden, 2 * inner), ...linear(DOWN, 2, inner, hidden)], {}, name);
    const swapped = await openPeft([...linear(GATE_UP, 2, 10, 3), ...linear(DOWN, 2, 3, 5)], {}, "swapped");
    refused([swapped, await experts("right", 3, 5)], true, "so it does not merge with right; fuse each");
    for (const [hidden, inner] of [
      [4, 5],
      [3, 6],
    ] as const) {
      refused([swapped, await experts("other", hidden, inner)], true, "swapped and other adapt different bases");
    }
  });

  it("refuses a module of two kinds, and convolutions of equal size but another kernel", async () => {
    const embedding = [filled(keyOf("q", "lora_embedding_A"), [2, 3]), filled(keyOf("q", "lora_embedding_B"), [4, 2])];
    const one = await openPeft(linear("q", 2, 3, 4), {}, "one");
    refused([one, await openPeft(embedding, {}, "other")], true, "linear 3 -> 4", "embedding 3 -> 4");
    const conv = (height: number, width: number) => [
      filled(keyOf("q", "lora_A.weight"), [2, 3, height, width]),
      filled(keyOf("q", "lora_B.weight"), [4, 2, 1, 1]),
    ];
    refused([await openPeft(conv(1, 3)), await openPeft(conv(3, 1))], true, "conv 3x1x3 -> 4", "conv 3x3x1 -> 4");
  });

  it("refuses adapters that share no module, with counts and examples, unless partial sets are allowed", async () => {
    const adapters = [await adapterOf("one", ["layers.0.q"]), await adapterOf("other", ["layers.0.k", "layers.0.v"])];
    refused(
      adapters,
      false,
      "one (1 module, such as layers.0.q)",
      "other (2 modules, such as layers.0.k)",
      "--allow-partial",
    );
    refuseMisfits(adapters, true);
  });

  it("refuses equal names that end at another layer (gpt2 and distilgpt2), unless partial sets are allowed", async () => {
    const adapters = [
      await adapterOf("gpt2", layers(12, "transformer.h")),
      await adapterOf("distil", layers(6, "transformer.h")),
    ];
    refused(
      adapters,
      false,
      "gpt2 ends at layer transformer.h.11 (12 modules)",
      "distil at transformer.h.5 (6 modules)",
    );
    refused(adapters.toReversed(), false, "distil ends at layer transformer.h.5", "gpt2 at transformer.h.11");
    refuseMisfits(adapters, true);
  });

  it("accepts another last layer where one config says that it leaves layers out", async () => {
    const whole = await adapterOf("whole", layers(12));
    const part = await adapterOf("part", layers(6), { layers_to_transform: [0, 1, 2, 3, 4, 5] });
    refuseMisfits([whole, part], false);
    refuseMisfits([part, whole], false);
  });

  it("counts layers by the first integer of the path, for each prefix on its own", async () => {
    const one = await adapterOf("one", ["encoder.1.q.7", "decoder.3.q"]);
    refuseMisfits([one, await adapterOf("other", ["encoder.1.q.7", "encoder.1.q.9"])], false);
    refused([one, await adapterOf("other", ["encoder.1.q.7", "decoder.2.q"])], false, "decoder.3", "decoder.2");
    const ten = await adapterOf("ten", ["layers.9.q", "layers.10.q"]);
    refused([ten, await adapterOf("nine", ["layers.9.q"])], false, "layers.10", "layers.9");
  });

  it("compares every two adapters, not neighbours alone", async () => {
    const [one, three] = [
      await openPeft(linear("a.0.q", 2, 3, 4), {}, "one"),
      await openPeft(linear("a.0.q", 2, 3, 5), {}, "three"),
    ];
    const two = await adapterOf("two", ["a.0.k"]);
    refused([one, two, three], true, "one and three");
  });

  /** Every way in which two files may name one weight, and a weight and a part of it. */
  const SPELLINGS: readonly (readonly [string, string])[] = [
    ["transformer.transformer_blocks.0.attn.to_q", "lora_unet_transformer_blocks_0_attn_to_q"],
    ["transformer.transformer_blocks.0.attn.to_q", "transformer_blocks.0.attn.to_q"],
    ["lycoris_transformer_blocks_0_attn_to_q", "diffusion_model.transformer_blocks.0.attn.to_q"],
    ["lora_transformer_transformer_blocks_0_attn_to_q", "transformer.transformer_blocks.0.attn.to_v"],
    ["lora_unet__blocks_0_ffn_0", "lora_unet_blocks_0_ffn_0"],
    ["diffusion_model.double_blocks.0.img_attn_qkv", "diffusion_model.double_blocks.0.img_attn.qkv"],
    ["transformer.double_blocks.0.img_attn_qkv", "transformer.transformer_blocks.0.attn.to_q"],
    ["diffusion_model.single_blocks.0.linear1", "diffusion_model.single_transformer_blocks.0.proj_mlp"],
    ["unet.input_blocks.1.1.proj_in", "unet.down_blocks.0.attentions.0.proj_in"],
    ["transformer.blocks.0.self_attn.q", "transformer.blocks.1.attn1.to_q"],
    ["transformer.blocks.0.ffn.0", "transformer.blocks.1.ffn.net.0.proj"],
    ["transformer.layers.0.attention.to_q", "transformer.layers.0.attn.to_q"],
    ["diffusion_model.layers.0.attention.qkv", "diffusion_model.layers.0.attention.to_k"],
    ["lora_te1_odd_q_proj", "text_encoder.text_model.encoder.layers.0.self_attn.q_proj"],
    ["model.layers.0.self_attn.qkv_proj", "model.layers.0.self_attn.k_proj"],
    ["model.layers.0.mlp.gate_up_proj", "model.layers.0.mlp.up_proj"],
  ];

  it.each(SPELLINGS)(
    "refuses %s and %s, in two adapters and in one, even where partial sets are allowed",
    async (a, b) => {
      // Most of such files share other modules.
      const shared = a.startsWith("model.") ? ["model.layers.0.input"] : [];
      const [one, other] = [await adapterOf("one", [a, ...shared]), await adapterOf("other", [b, ...shared])];
      for (const partial of [false, true]) {
        refused(
          [one, other],
          partial,
          "one and other name",
          `(such as ${a} and ${b})`,
          "cannot match: they are for different models, or",
        );
        refused([await adapterOf("both", [a, b])], partial, "both names its model's modules in two ways");
        expect(() => refuseMisfits([one, other], partial)).not.toThrow(/--allow-partial/);
      }
    },
  );

  it("refuses models of one code that are known and differ, not those that nothing tells", async () => {
    const shared = "diffusion_model.double_blocks.0.img_attn.proj";
    const chroma = await adapterOf("chroma", [shared, "diffusion_model.distilled_guidance_layer.in_proj"]);
    const flux = await adapterOf("flux", [shared, "diffusion_model.vector_in.in_layer"]);
    const either = await adapterOf("either", [shared]);
    for (const partial of [false, true]) {
      refused([either, chroma, flux], partial, "chroma is for Chroma and flux for Flux.1, which are different models");
      refuseMisfits([chroma, either], partial);
      refuseMisfits([either, flux], partial);
    }
  });

  it.each([
    ["transformer.blocks.0.attn1.to_q", "transformer_2.blocks.0.attn1.to_q"],
    ["unet.conv_in", "text_encoder.text_model.encoder.layers.0.mlp.fc1"],
    ["lora_unet_blocks_0_self_attn_q", "lora_unet_blocks_0_cross_attn_q"],
    ["diffusion_model.double_blocks.0.img_attn.qkv", "diffusion_model.single_blocks.0.linear1"],
    ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.k_proj"],
    ["transformer.h.0.attn.c_attn", "transformer.h.0.mlp.c_proj"],
  ])("takes %s and %s for what they are: two modules", async (a, b) => {
    refuseMisfits([await adapterOf("one", [a]), await adapterOf("other", [a, b])], false);
  });
});
