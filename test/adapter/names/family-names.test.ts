import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { openAdapter } from "../../../src/adapter/open.ts";
import { writeConversion } from "../../../src/convert/write-conversion.ts";
import { memorySink } from "../../../src/core/bytes.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { filled, memoryFolder } from "../../support/memory-folder.ts";
import { decodeAdapter } from "../../support/pico.ts";
import { loadedWriter } from "../../support/writers.ts";

/** Each family's modules: what they are called here, and in which other ways a file may name them. */
interface Spelled {
  readonly module: string;
  readonly kohya: readonly string[];
  readonly diffusers: readonly string[];
}

const underscored = (path: string): string => path.replaceAll(".", "_");
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Modules of an SDXL-like UNet by block, from ldm's numbers: three input blocks to a down block. */
function unet(): Spelled[] {
  const inside = ["proj_in", "transformer_blocks.1.attn1.to_q", "transformer_blocks.0.attn2.to_out.0"];
  const feed = ["transformer_blocks.0.ff.net.0.proj", "transformer_blocks.0.ff.net.2"];
  const resnet = { "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", skip_connection: "conv_shortcut" };
  const found: [string, string][] = [
    ["input_blocks.0.0", "conv_in"],
    ["out.2", "conv_out"],
    ["time_embed.2", "time_embedding.linear_2"],
    ["label_emb.0.0", "add_embedding.linear_1"],
    ["input_blocks.6.0.op", "down_blocks.1.downsamplers.0.conv"],
    ["output_blocks.5.2.conv", "up_blocks.1.upsamplers.0.conv"],
    ["middle_block.2.out_layers.3", "mid_block.resnets.1.conv2"],
  ];
  for (const i of numbers(2)) {
    for (const part of [...inside, ...feed]) {
      found.push([`input_blocks.${4 + i}.1.${part}`, `down_blocks.1.attentions.${i}.${part}`]);
      found.push([`output_blocks.${3 + i}.1.${part}`, `up_blocks.1.attentions.${i}.${part}`]);
    }
    for (const [ldm, own] of Object.entries(resnet)) {
      found.push([`input_blocks.${7 + i}.0.${ldm}`, `down_blocks.2.resnets.${i}.${own}`]);
    }
  }
  for (const part of inside) found.push([`middle_block.1.${part}`, `mid_block.attentions.0.${part}`]);
  return found.map(([ldm, path]) => ({
    module: `unet.${path}`,
    kohya: [`lora_unet_${underscored(ldm)}`, `lora_unet_${underscored(path)}`],
    diffusers: [`unet.${path}`, path, ...(path.endsWith(".to_out.0") ? [`unet.${path.slice(0, -2)}`] : [])],
  }));
}

const FLUX = [
  ...["img_attn.qkv", "txt_attn.proj", "img_mlp.0", "txt_mlp.2", "img_mod.lin"].map(
    (name) => `double_blocks.3.${name}`,
  ),
  ...["linear1", "linear2", "modulation.lin"].map((name) => `single_blocks.37.${name}`),
  "img_in",
  "final_layer.adaLN_modulation.1",
  "guidance_in.out_layer",
];
const CLIP = ["self_attn.q_proj", "self_attn.out_proj", "mlp.fc1"].map(
  (name) => `text_model.encoder.layers.11.${name}`,
);

const FAMILIES: Readonly<Record<string, readonly Spelled[]>> = {
  "Stable Diffusion": unet(),
  // A single bare name as img_in does not tell that the file is an image model's.
  Flux: FLUX.map((path) => ({
    module: `diffusion_model.${path}`,
    kohya: [`lora_unet_${underscored(path)}`],
    diffusers: [`diffusion_model.${path}`],
  })),
  CLIP: CLIP.map((path) => ({
    module: `text_encoder.${path}`,
    kohya: [`lora_te1_${underscored(path)}`],
    diffusers: [`text_encoder.${path}`],
  })),
  T5: ["layer.0.SelfAttention.o", "layer.1.DenseReluDense.wi_0"].map((path) => ({
    module: `text_encoder_3.encoder.block.5.${path}`,
    kohya: [`lora_te3_encoder_block_5_${underscored(path)}`],
    diffusers: [`text_encoder_3.encoder.block.5.${path}`],
  })),
};

/** An adapter of empty modules under these keys. */
function open(stems: readonly string[], endings: readonly [string, string]): Promise<Adapter> {
  const tensors = stems.flatMap((stem) => [
    filled(`${stem}${endings[0]}`, [1, 2]),
    filled(`${stem}${endings[1]}`, [14, 1]),
  ]);
  return openAdapter(memoryFolder("mine", { "x.safetensors": encodeSafetensors(tensors) }));
}

const DOWN_UP = [".lora_down.weight", ".lora_up.weight"] as const;
const A_B = [".lora_A.weight", ".lora_B.weight"] as const;

describe.each(Object.entries(FAMILIES))("names of %s", (_, modules) => {
  it("are the same from every dialect, whichever modules a file has", async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray([...modules], { minLength: 1 }), fc.nat(), async (some, choice) => {
        const names = some.map(({ module }) => module).sort();
        const kohya = await open(
          some.map((one) => one.kohya[choice % one.kohya.length]!),
          DOWN_UP,
        );
        expect([...kohya.modules.keys()].sort()).toEqual(names);
        const diffusers = await open(
          some.map((one) => one.diffusers[0]!),
          A_B,
        );
        expect([...diffusers.modules.keys()].sort()).toEqual(names);
      }),
      { numRuns: 50 },
    );
  });

  it("stay as they stand, all of them, beside one that is not the family's", async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray([...modules], { minLength: 1 }), async (some) => {
        const stems = some.map(({ kohya }) => kohya[0]!);
        const odd = `${/^lora_[a-z0-9]+_/.exec(stems[0]!)![0]}odd_layer_7`;
        const { modules: read } = await open([...stems, odd], DOWN_UP);
        expect([...read.keys()].sort()).toEqual([...stems, odd].sort());
      }),
      { numRuns: 20 },
    );
  });
});

describe("names of no family", () => {
  const part = fc.constantFrom("blocks", "joint_blocks", "attn", "to_q", "ffn", "net", "fc1", "x_block", "proj");
  const path = fc
    .tuple(
      fc.constantFrom("odd_blocks", "more_blocks", "odd_layers"),
      fc.nat(9),
      fc.array(part, { minLength: 1, maxLength: 4 }),
    )
    .map(([first, number, rest]) => [first, number, ...rest].join("."));
  const paths = fc.uniqueArray(path, { minLength: 1, maxLength: 5, selector: underscored });
  const ways = [
    { prefix: "lora_unet_", endings: DOWN_UP, spell: underscored, to: "kohya", not: "diffusers" },
    { prefix: "lycoris_", endings: DOWN_UP, spell: underscored, to: "kohya", not: "diffusers" },
    { prefix: "lora_transformer_", endings: DOWN_UP, spell: underscored, to: "kohya", not: "diffusers" },
    { prefix: "diffusion_model.", endings: DOWN_UP, spell: String, to: "kohya", not: null },
    { prefix: "diffusion_model.", endings: A_B, spell: String, to: "diffusers", not: "kohya" },
    { prefix: "transformer.", endings: A_B, spell: String, to: "diffusers", not: "kohya" },
    { prefix: "unet.", endings: A_B, spell: String, to: "diffusers", not: "kohya" },
  ] as const;

  it.each(ways)("under $prefix keep every byte in every verb, and go into no other dialect", async (way) => {
    await fc.assert(
      fc.asyncProperty(paths, async (some) => {
        const stems = some.map((one) => `${way.prefix}${way.spell(one)}`);
        const adapter = await open(stems, way.endings);
        expect([...adapter.modules.keys()].sort()).toEqual([...stems].sort());
        const merged = await mergeInMemory([adapter, adapter], { method: "cat" });
        expect([...decodeAdapter(JSON.stringify(merged.config), merged.weights).modules.keys()].sort()).toEqual(
          [...stems].sort(),
        );
        const conversion = loadedWriter(way.to).convert(adapter, null);
        const keys = conversion.tensors.map(({ name }) => name).filter((name) => !name.endsWith(".alpha"));
        expect(keys.sort()).toEqual(stems.flatMap((stem) => way.endings.map((ending) => `${stem}${ending}`)).sort());
        const sink = memorySink(conversion.layout.size);
        await writeConversion(adapter, conversion, sink);
        const again = await openAdapter(memoryFolder("again", { "x.safetensors": sink.bytes }));
        expect([...again.modules.keys()].sort()).toEqual([...stems].sort());
        if (way.not !== null) expect(() => loadedWriter(way.not).convert(adapter, null)).toThrow(/would be a guess/);
      }),
      { numRuns: 20 },
    );
  });
});
