import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { writerOf } from "../../src/convert/convert.ts";
import type { WrittenFormat } from "../../src/convert/formats.ts";
import { writeConversion } from "../../src/convert/write-conversion.ts";
import { memorySink } from "../../src/core/bytes.ts";
import { FormatError, RefusedError, UsageError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { baseConfig } from "../support/base-config.ts";
import { fileDeltas } from "../support/file-deltas.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import {
  decodeAdapter,
  decodeTensors,
  encodeTensor,
  openPico,
  type PicoAdapter,
  randomAdapter,
  relativeError,
} from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";
import { written } from "../support/written.ts";

const LLAMA = baseConfig({ model_type: "mistral", num_attention_heads: 2, num_key_value_heads: 1 });
/** Formats whose names depend on the base. */
const baseOf = (to: string): typeof LLAMA | null => (to === "gguf" || to === "mlx" ? LLAMA : null);

/** What a kohya file says of its bytes. */
const HASHES = {
  sshs_model_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  sshs_legacy_hash: expect.stringMatching(/^[0-9a-f]{8}$/),
};

/** An adapter in another format, opened again. */
async function converted(adapter: Adapter, to: string): Promise<Adapter> {
  const base = baseOf(to);
  return openAdapter(memoryFolder(`in-${to}`, await written(adapter, to, base)), { baseConfig: base });
}

async function deltasOf(adapter: Adapter): Promise<Map<string, Float64Array>> {
  const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
  const { modules } = decodeAdapter(JSON.stringify(config), weights);
  return new Map(Array.from(modules, ([name, { delta }]) => [name, delta]));
}

/** The deltas of an adapter in diffusers, under the names there. */
async function inDiffusers(adapter: Adapter) {
  return fileDeltas((await written(adapter, "diffusers"))["pytorch_lora_weights.safetensors"] as Uint8Array);
}

/** The deltas are the same after a way there and back. */
async function expectSame(one: Adapter, other: Adapter, tolerance: number): Promise<void> {
  const [expected, got] = [await deltasOf(one), await deltasOf(other)];
  expect([...got.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, delta] of expected) {
    if (delta.every((value) => value === 0)) expect(got.get(name)).toEqual(delta);
    else expect(relativeError(got.get(name)!, delta)).toBeLessThanOrEqual(tolerance);
  }
}

/** The GGUF file of these modules. */
async function bytesOf(modules: PicoAdapter["modules"]): Promise<Uint8Array> {
  const adapter = await openPico("mine", { modules });
  return (await written(adapter, "gguf", LLAMA))["adapter.gguf"] as Uint8Array;
}

const LANGUAGE = [
  "model.layers.0.self_attn.q_proj",
  "model.layers.1.mlp.down_proj",
  "model.layers.10.self_attn.v_proj",
];
const LAYERS = { [LANGUAGE[0]!]: { in: 6, out: 4 }, [LANGUAGE[1]!]: { in: 4, out: 7 } };
/** Names of kohya's keys that no family's table holds. */
const UNKNOWN = ["lora_unet_odd_blocks_7_attn_q", "lora_unet_odd_blocks_7_ffn_0", "lora_unet_head_odd"];
const IMAGE = [
  "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k",
  "unet.mid_block.resnets.1.conv2",
  "text_encoder.text_model.encoder.layers.3.mlp.fc1",
  "text_encoder_2.text_model.encoder.layers.0.self_attn.out_proj",
];

/** Random adapters over these modules, of mixed ranks and scales; of one rank and scale where `uniform`. */
function adapters(names: readonly string[], uniform: boolean): fc.Arbitrary<PicoAdapter> {
  const dtypes = fc.constantFrom("F32" as const, "F16" as const, "BF16" as const);
  return fc
    .record({
      seed: fc.integer(),
      ranks: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 4 }),
      dtype: dtypes,
    })
    .map(({ seed, ranks, dtype }) => {
      const rankOf = (i: number): number => (uniform ? 3 : ranks[i]!);
      const modules = Object.fromEntries(
        names.map((name, i) => [
          name,
          {
            in: 5 + i,
            out: 4 + i,
            rank: rankOf(i),
            kind: name.includes("conv") ? ("conv" as const) : ("linear" as const),
          },
        ]),
      );
      const patterns = {
        rank_pattern: Object.fromEntries(names.map((name, i) => [name, rankOf(i)])),
        alpha_pattern: uniform ? {} : Object.fromEntries(names.map((name, i) => [name, ranks[i]! + 0.25 * i - 1])),
      };
      return randomAdapter(seed, { modules, dtype, config: { r: 3, lora_alpha: 7, ...patterns } });
    });
}

describe("convert", () => {
  it.each([
    ["peft", LANGUAGE, false],
    ["peft", IMAGE, false],
    ["kohya", IMAGE, false],
    ["kohya", UNKNOWN, false],
    ["diffusers", IMAGE, false],
    ["mlx", LANGUAGE, false],
    ["mlx", LANGUAGE, true],
    ["gguf", LANGUAGE, false],
    ["gguf", LANGUAGE, true],
  ])("to %s and back gives the same deltas (%j, uniform %s)", async (to, names, uniform) => {
    await fc.assert(
      fc.asyncProperty(adapters(names, uniform), async (pico) => {
        const adapter = await openPico("mine", pico);
        const there = await converted(adapter, to);
        expect(there.format).toBe(to);
        await expectSame(adapter, there, 1e-6);
        await expectSame(adapter, await converted(there, "peft"), 1e-6);
      }),
      { numRuns: 20 },
    );
  });

  it("moves the bytes of the factors as they are where the format has their scales", async () => {
    const pico = randomAdapter(1, { modules: LAYERS, dtype: "BF16", config: { lora_alpha: 5 } });
    const adapter = await openPico("mine", pico);
    for (const to of ["peft", "mlx"]) {
      const there = await converted(adapter, to);
      for (const { a, b } of there.modules.values()) expect([a.dtype, b.dtype]).toEqual(["BF16", "BF16"]);
      await expectSame(adapter, there, 1e-7);
    }
  });

  it("keeps 16 bits where a scale that is folded in is a power of two, and takes f32 where it is not", async () => {
    const [name] = IMAGE as [string, ...string[]];
    const module = { [name]: { in: 4, out: 3, rank: 2 } };
    const dtypes = async (alpha: number, dtype: "F16" | "BF16" = "F16"): Promise<string[]> => {
      const pico = randomAdapter(2, { modules: module, dtype, config: { lora_alpha: alpha } });
      const { a, b } = (await converted(await openPico("mine", pico), "diffusers")).modules.get(name)!;
      return [a.dtype, b.dtype];
    };
    expect(await dtypes(2)).toEqual(["F16", "F16"]);
    expect(await dtypes(8)).toEqual(["F16", "F16"]);
    expect(await dtypes(-2)).toEqual(["F16", "F16"]);
    expect(await dtypes(3)).toEqual(["F16", "F32"]);
    // Below 1 f16 may lose bits at its lower end; bf16 has none there that anyone computes with.
    expect(await dtypes(1)).toEqual(["F16", "F32"]);
    expect(await dtypes(1, "BF16")).toEqual(["BF16", "BF16"]);
    expect(await dtypes(3, "BF16")).toEqual(["BF16", "F32"]);
  });

  it("writes a scale of 0 so that no reader takes it for the rank", async () => {
    const image = { "unet.conv_in": { in: 3, out: 4 }, "unet.conv_out": { in: 4, out: 3 } };
    for (const to of ["peft", "kohya", "mlx"]) {
      const modules = to === "kohya" ? image : LAYERS;
      const adapter = await openPico("mine", randomAdapter(3, { modules, config: { lora_alpha: 0 } }));
      for (const delta of (await deltasOf(await converted(adapter, to))).values())
        expect(delta.every((x) => x === 0)).toBe(true);
    }
  });

  it("carries embeddings to MLX, transposed", async () => {
    const modules = { "model.embed_tokens": { in: 7, out: 3, kind: "embedding" as const } };
    const adapter = await openPico("mine", randomAdapter(4, { modules }));
    const there = await converted(adapter, "mlx");
    expect(there.modules.get("model.embed_tokens")).toMatchObject({ kind: "embedding", in: 7, out: 3 });
    await expectSame(adapter, there, 1e-7);
  });

  it("keeps heads in PEFT, and refuses them elsewhere", async () => {
    const pico = randomAdapter(5, { extras: { "base_model.model.classifier.weight": [[1, 2]] } });
    const adapter = await openPico("mine", pico);
    const kept = (await written(adapter, "peft"))["adapter_model.safetensors"] as Uint8Array;
    const head = decodeTensors(kept).get("base_model.model.classifier.weight")!;
    expect([head.shape, [...head.values]]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    for (const to of ["kohya", "mlx", "diffusers"]) {
      expect(() => loadedWriter(to).convert(adapter, null)).toThrow(RefusedError);
      expect(() => loadedWriter(to).convert(adapter, null)).toThrow(/classifier\.weight.*--extras drop/);
    }
  });

  it("writes kohya files of one alpha, that of most modules, and folds the rest into lora_up", async () => {
    const modules = Object.fromEntries(
      ["conv_in", "conv_out", "mid_block.resnets.0.conv1", "mid_block.resnets.0.conv2"].map((name) => [
        `unet.${name}`,
        { in: 3, out: 4, rank: 2 },
      ]),
    );
    const pattern = { "unet.conv_in": 8, "unet.conv_out": 3 };
    const pico = randomAdapter(8, { modules, dtype: "F16", config: { r: 2, lora_alpha: 4, alpha_pattern: pattern } });
    const adapter = await openPico("mine", pico);
    const there = await converted(adapter, "kohya");
    expect([...there.modules.values()].map(({ scale }) => scale)).toEqual([2, 2, 2, 2]);
    const dtypes = Object.fromEntries(Array.from(there.modules, ([name, { b }]) => [name, b.dtype]));
    expect(dtypes).toMatchObject({
      "unet.conv_in": "F16",
      "unet.conv_out": "F32",
      "unet.mid_block.resnets.0.conv1": "F16",
    });
    expect(Object.fromEntries(there.metadata)).toEqual({ ss_network_dim: "2", ss_network_alpha: "4", ...HASHES });
    await expectSame(adapter, there, 1e-6);
  });

  it("writes no negative alpha into kohya files, where diffusers would not come to an end, but turns lora_up", async () => {
    const modules = { "unet.conv_in": { in: 3, out: 4 } };
    const adapter = await openPico("mine", randomAdapter(3, { modules, dtype: "F16", config: { lora_alpha: -4 } }));
    const there = await converted(adapter, "kohya");
    expect(there.modules.get("unet.conv_in")).toMatchObject({ scale: 2, b: { dtype: "F16" } });
    await expectSame(adapter, there, 1e-7);
  });

  it("carries what a kohya file says of its training, with new hashes and ranks", async () => {
    const key = "lora_unet_conv_in";
    const tensors = (alpha: number) => [
      encodeTensor(`${key}.lora_down.weight`, [[1, 2]]),
      encodeTensor(`${key}.lora_up.weight`, [[1], [2]]),
      encodeTensor(`${key}.alpha`, alpha),
    ];
    const said = {
      ss_network_module: "networks.lora_of_somebody",
      ss_tag_frequency: "{}",
      ss_network_dim: "Dynamic",
      ss_network_alpha: "7",
      sshs_model_hash: "abc",
      sshs_legacy_hash: "def",
      "modelspec.hash_sha256": "0xabc",
      "modelspec.title": "mine",
      ss_network_args: '{"conv_alpha": "1"}',
    };
    const bytes = encodeSafetensors(tensors(0.5), said);
    const there = await converted(await openAdapter(memoryFolder("mine", { "x.safetensors": bytes })), "kohya");
    expect(Object.fromEntries(there.metadata)).toEqual({
      ss_network_module: "networks.lora_of_somebody",
      ss_tag_frequency: "{}",
      ss_network_dim: "1",
      ss_network_alpha: "0.5",
      "modelspec.title": "mine",
      ss_network_args: '{"conv_alpha": "1"}',
      ...HASHES,
    });
    expect(there.metadata.get("sshs_model_hash")).not.toBe(said.sshs_model_hash);
    const { metadata } = await converted(there, "diffusers");
    expect(Object.fromEntries(metadata)).toEqual({ ss_tag_frequency: "{}", "modelspec.title": "mine" });
  });

  it("swaps the halves of Flux's last modulation, where diffusers has scale before shift", async () => {
    const name = "diffusion_model.final_layer.adaLN_modulation.1";
    const modules = {
      [name]: { A: [[1]], B: [[1], [2], [3], [4]] },
      "diffusion_model.single_blocks.0.linear2": { A: [[1, 1, 1, 1, 1]], B: [[1]] },
    };
    const adapter = await openPico("mine", { modules });
    expect([...(await inDiffusers(adapter)).get("transformer.norm_out.linear")!.delta]).toEqual([3, 4, 1, 2]);
    expect([...(await deltasOf(await converted(adapter, "diffusers"))).get(name)!]).toEqual([1, 2, 3, 4]);
  });

  it("gives Flux.2 its own names, where its gated layers tell it from Flux.1", async () => {
    const modules = {
      "diffusion_model.double_blocks.0.img_attn.qkv": { in: 4, out: 12 },
      "diffusion_model.single_blocks.0.linear1": { in: 4, out: 36 },
    };
    const there = await inDiffusers(await openPico("mine", randomAdapter(9, { modules })));
    expect([...there.keys()].sort()).toEqual([
      "transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj",
      ...["to_k", "to_q", "to_v"].map((part) => `transformer.transformer_blocks.0.attn.${part}`),
    ]);
  });

  it("splits Flux's fused layers by the rows of B and repeats A", async () => {
    const modules = {
      "diffusion_model.double_blocks.3.img_attn.qkv": { in: 4, out: 6 },
      "diffusion_model.single_blocks.0.linear1": { in: 2, out: 14 },
      "diffusion_model.double_blocks.0.txt_mlp.2": { in: 3, out: 5 },
    };
    const adapter = await openPico("mine", randomAdapter(6, { modules }));
    const there = await inDiffusers(adapter);
    const double = "transformer.transformer_blocks";
    const single = "transformer.single_transformer_blocks.0";
    const sizes = Object.fromEntries(Array.from(there, ([name, { in: inputs, out }]) => [name, [inputs, out]]));
    expect(sizes).toEqual({
      [`${double}.3.attn.to_q`]: [4, 2],
      [`${double}.3.attn.to_k`]: [4, 2],
      [`${double}.3.attn.to_v`]: [4, 2],
      [`${single}.attn.to_q`]: [2, 2],
      [`${single}.attn.to_k`]: [2, 2],
      [`${single}.attn.to_v`]: [2, 2],
      [`${single}.proj_mlp`]: [2, 8],
      [`${double}.0.ff_context.net.2`]: [3, 5],
    });
    const stacked = ["to_q", "to_k", "to_v"].flatMap((part) => [...there.get(`${double}.3.attn.${part}`)!.delta]);
    const whole = (await deltasOf(adapter)).get("diffusion_model.double_blocks.3.img_attn.qkv")!;
    expect(stacked.map(Math.fround)).toEqual([...whole].map(Math.fround));
  });

  it("refuses two names of one weight, which only a PEFT folder keeps apart", async () => {
    const modules = { "unet.conv_in": { in: 3, out: 3 }, lora_unet_conv_in: { in: 3, out: 3 } };
    const adapter = await openPico("mine", randomAdapter(7, { modules }));
    expect(() => loadedWriter("kohya").convert(adapter, null)).toThrow(FormatError);
    expect(() => loadedWriter("kohya").convert(adapter, null)).toThrow(/both belong to the module unet\.conv_in/);
  });

  it.each([
    [
      "diffusers",
      { "model.layers.0.q_proj": { in: 3, out: 3 } },
      /model\.layers\.0\.q_proj is not a module of an image model/,
    ],
    ["diffusers", { "transformer.h.0.attn.c_attn": { in: 3, out: 3 } }, /is not a module of an image model/],
    ["mlx", { "model.conv": { in: 3, out: 3, kind: "conv" as const } }, /model\.conv is a convolution/],
    ["mlx", { "unet.conv_in": { in: 3, out: 3 } }, /image or video model .*mlx-lm runs only language models/],
    ["gguf", { lora_unet_odd: { in: 3, out: 3 } }, /image or video model .*llama\.cpp runs only language models/],
    [
      "kohya",
      { "model.layers.0.q_proj": { in: 3, out: 3 } },
      /model\.layers\.0\.q_proj has no certain name in kohya.s keys.*convert it to peft, mlx or gguf/,
    ],
    [
      "kohya",
      { "transformer.odd.0.ffn.net.2": { in: 3, out: 3 } },
      /any name would be a guess .*convert it to diffusers or peft/,
    ],
    [
      "kohya",
      { "unet.conv_in": { in: 3, out: 3 }, "unet.odd": { in: 3, out: 3 } },
      /unet\.conv_in has no certain name/,
    ],
    ["diffusers", { lora_unet_odd_0_ffn_0: { in: 3, out: 3 } }, /lora_unet_odd_0_ffn_0 has a kohya name/],
    ["diffusers", { "text_encoder_3.shared": { in: 3, out: 3 } }, /T5 text encoder.*--exclude 'text_encoder_3\.\*\*'/],
    [
      "diffusers",
      { "diffusion_model.layers.0.attention.out": { in: 3, out: 3 } },
      /is a module of Z-Image and of Lumina 2, which diffusers names differently/,
    ],
    [
      "diffusers",
      { "diffusion_model.double_blocks.0.img_attn.qkv": { in: 3, out: 4 } },
      /has 4 rows, which its layers/,
    ],
    [
      "kohya",
      { "text_encoder.embed": { in: 3, out: 3, kind: "embedding" as const } },
      /text_encoder\.embed is an embedding, which kohya files cannot hold/,
    ],
    [
      "diffusers",
      { "text_encoder.embed": { in: 3, out: 3, kind: "embedding" as const } },
      /text_encoder\.embed is an embedding, which diffusers files cannot hold/,
    ],
    [
      "kohya",
      { "unet:12": { in: 3, out: 3 } },
      /numbers its modules \(such as unet:12\).* \(base_model\.model\.unet:12\.lora_A\.weight to unet:12:down, and so on\)\.$/,
    ],
  ])("to %s refuses %j", async (to, modules, words) => {
    const adapter = await openPico("mine", randomAdapter(7, { modules }));
    expect(() => loadedWriter(to).convert(adapter, null)).toThrow(RefusedError);
    expect(() => loadedWriter(to).convert(adapter, null)).toThrow(words);
  });

  it.each([
    ["mlx", "mlx-lm"],
    ["gguf", "llama.cpp"],
  ])("to %s refuses image models before anything else that is in the way", async (to, program) => {
    const conv = { in: 3, out: 3, kind: "conv" as const };
    const pico = randomAdapter(7, {
      modules: { "unet.conv_in": conv, "unet.time_embedding.linear_1": { in: 3, out: 3 } },
      extras: { "base_model.model.head": [1] },
    });
    const adapter = await openPico("mine", pico);
    const dora = { ...adapter, variants: [{ id: "dora" as const, text: "is a DoRA adapter" }] };
    for (const one of [adapter, dora]) {
      expect(() => loadedWriter(to).convert(one, baseOf(to))).toThrow(
        `mine adapts an image or video model (such as unet.conv_in), but ${program} runs only language models; convert it to kohya or diffusers.`,
      );
    }
  });

  it("refuses values that leave 16 bits when the scale is folded in", async () => {
    const modules = { "unet.conv_in": { A: [[1]], B: [[40000]] } };
    const adapter = await openPico("mine", { modules, dtype: "F16", config: { lora_alpha: 2 } });
    const conversion = loadedWriter("diffusers").convert(adapter, null);
    await expect(writeConversion(adapter, conversion, memorySink(conversion.layout.size))).rejects.toThrow(
      /unet\.conv_in\.lora_B\.weight has values .* f16 cannot hold/,
    );
  });

  it("permutes the rows of queries and keys in GGUF files, each by its own heads", async () => {
    const modules = { "model.layers.0.self_attn.k_proj": { A: [[1]], B: [[0], [1], [2], [3]] } };
    const there = await converted(await openPico("mine", { modules }), "gguf");
    // One head of keys and values: its halves (0, 1) and (2, 3) lie entry by entry.
    const raw = await openAdapter(memoryFolder("raw", { "x.gguf": await bytesOf(modules) }));
    expect([...raw.modules.keys()]).toEqual(["blk.0.attn_k"]);
    expect([...(await deltasOf(raw)).get("blk.0.attn_k")!]).toEqual([0, 2, 1, 3]);
    expect([...(await deltasOf(there)).get("model.layers.0.self_attn.k_proj")!]).toEqual([0, 1, 2, 3]);
  });

  it("refuses rows that heads cannot share in pairs, and keeps an alpha that all modules have", async () => {
    const three = { "model.layers.0.self_attn.k_proj": { A: [[1]], B: [[0], [1], [2]] } };
    const odd = await openPico("mine", { modules: three });
    expect(() => loadedWriter("gguf").convert(odd, LLAMA)).toThrow(/has 3 rows, which 1 heads cannot share in pairs/);
    const six = { "model.layers.0.self_attn.q_proj": { A: [[1]], B: [[0], [1], [2], [3], [4], [5]] } };
    const wide = await openPico("mine", { modules: six });
    expect(() => loadedWriter("gguf").convert(wide, LLAMA)).toThrow(/has 6 rows, which 2 heads cannot share/);
    const alike = await openPico(
      "mine",
      randomAdapter(1, { modules: LAYERS, dtype: "F16", config: { lora_alpha: 3 } }),
    );
    const there = await converted(alike, "gguf");
    for (const { b, scale } of there.modules.values()) expect([b.dtype, scale]).toEqual(["F16", 1.5]);
  });

  it("gives PEFT's config the rank and alpha that most modules have", async () => {
    const names = [0, 1, 2].map((i) => `model.layers.${i}.self_attn.q_proj`);
    const modules = Object.fromEntries(names.map((name, i) => [name, { in: 4, out: 3, rank: i === 0 ? 1 : 2 }]));
    const config = {
      r: 1,
      lora_alpha: 5,
      rank_pattern: { [names[1]!]: 2, [names[2]!]: 2 },
      alpha_pattern: { [names[1]!]: 6, [names[2]!]: 6 },
    };
    const { config: written } = loadedWriter("peft").convert(
      await openPico("mine", randomAdapter(1, { modules, config })),
      null,
    );
    expect(written!.fields).toMatchObject({
      r: 2,
      lora_alpha: 6,
      rank_pattern: { [names[0]!]: 1 },
      alpha_pattern: { [names[0]!]: 5 },
    });
  });

  it("writes adapters that were read without their base's config as they are", async () => {
    const modules = { "model.layers.0.self_attn.k_proj": { A: [[1]], B: [[0], [1], [2], [3]] } };
    const bytes = await bytesOf(modules);
    const raw = await openAdapter(memoryFolder("raw", { "x.gguf": bytes }));
    expect((await written(raw, "gguf", LLAMA))["adapter.gguf"]).toEqual(bytes);
  });

  it("carries embeddings to GGUF, their A stored for look-ups", async () => {
    const modules = { "model.embed_tokens": { in: 7, out: 3, kind: "embedding" as const } };
    const adapter = await openPico("mine", randomAdapter(4, { modules }));
    const there = await converted(adapter, "gguf");
    expect(there.modules.get("model.embed_tokens")!.a).toMatchObject({ shape: [2, 7], strides: { unit: 1, entry: 2 } });
    await expectSame(adapter, there, 1e-7);
  });

  it.each([
    [null, UsageError, /--base-config/],
    [{ model_type: "mpt" }, RefusedError, /does not know .* model_type mpt .*llama, mistral/],
    [{ model_type: "gpt2" }, RefusedError, /q_proj is not a module that llama\.cpp adapts in gpt2 models/],
    [{ model_type: "llama" }, RefusedError, /an unknown number of heads/],
    [{}, FormatError, /no model_type/],
  ])("to gguf refuses the base config %j", async (fields, kind, words) => {
    const adapter = await openPico("mine", randomAdapter(7, { modules: { [LANGUAGE[0]!]: { in: 3, out: 4 } } }));
    const base = fields === null ? null : baseConfig(fields);
    expect(() => loadedWriter("gguf").convert(adapter, base)).toThrow(kind);
    expect(() => loadedWriter("gguf").convert(adapter, base)).toThrow(words);
  });

  it("names the formats where one is unknown", async () => {
    const asked = writerOf("onnx" as WrittenFormat);
    await expect(asked).rejects.toThrow(UsageError);
    await expect(asked).rejects.toThrow(/"onnx".*peft, kohya/);
  });
});
