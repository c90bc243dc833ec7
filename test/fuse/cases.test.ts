import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { fuseModel } from "../../src/node/fuse-model.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { decodeTensors, tempFolder } from "../support/pico.ts";

const CASES = fileURLToPath(new URL("../../../shared/cases/llm", import.meta.url));
const IMAGES = fileURLToPath(new URL("../../../shared/cases/image", import.meta.url));
const absent = !existsSync(CASES);
const at = (path: string): string => join(CASES, path);
const BASE = "bases";

type Values = Map<string, { shape: number[]; values: Float64Array }>;
const read = (file: string): Values => decodeTensors(readFileSync(file));
const folder = tempFolder();
let made = 0;

/** What fusing an adapter of the cases into one of their bases writes. */
async function fusion(adapter: string, base: string) {
  const out = join(folder, `fused-${made++}`);
  const fused = await fuseModel([at(adapter)], { base: at(base), out });
  return {
    fused,
    before: read(join(at(base), "model.safetensors")),
    after: read(join(out, "model.safetensors")),
    own: read(join(at(adapter), "adapter_model.safetensors")),
    config: JSON.parse(readFileSync(join(out, "config.json"), "utf8")) as Record<string, unknown>,
  };
}

/** W + s B A by loops in f64; an embedding's delta is the transpose. */
function added(w: Float64Array, own: Values, module: string, scale = 2): Float64Array {
  const embedding = own.get(`base_model.model.${module}.lora_embedding_A`);
  const a = embedding ?? own.get(`base_model.model.${module}.lora_A.weight`)!;
  const b = own.get(`base_model.model.${module}.lora_${embedding === undefined ? "B.weight" : "embedding_B"}`)!;
  const [r, inputs] = a.shape as [number, number];
  const [out] = b.shape as [number];
  const sum = Float64Array.from(w);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inputs; i++) {
      let value = 0;
      for (let k = 0; k < r; k++) value += b.values[o * r + k]! * a.values[k * inputs + i]!;
      sum[embedding === undefined ? o * inputs + i : i * out + o]! += scale * value;
    }
  }
  return sum;
}

function expectClose(got: { values: Float64Array } | undefined, wanted: ArrayLike<number>, rounding = 1e-6): void {
  expect(got!.values).toHaveLength(wanted.length);
  for (const [i, value] of got!.values.entries()) {
    expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(rounding * (1 + Math.abs(wanted[i]!)));
  }
}

/** The names of an adapter's modules in a base: by their layer and last name. */
const LAYERS = ["0", "1"].flatMap((layer) => ["q_proj", "v_proj"].map((name) => `layers.${layer}.self_attn.${name}`));

describe.skipIf(absent)(`situations of real users${absent ? ` (skipped: there is no ${CASES})` : ""}`, () => {
  it("fuse-mts-tied: heads trained beside a tied embedding are written, and the model untied", async () => {
    const { after, own, config, before } = await fusion("fuse-mts-tied/a", `${BASE}/qwen2tied`);
    expectClose(after.get("lm_head.weight"), own.get("base_model.model.lm_head.weight")!.values, 0);
    expectClose(
      after.get("model.embed_tokens.weight"),
      own.get("base_model.model.model.embed_tokens.weight")!.values,
      0,
    );
    expect(config.tie_word_embeddings).toBe(false);
    for (const layer of LAYERS) {
      const name = `model.${layer}`;
      expectClose(after.get(`${name}.weight`), added(before.get(`${name}.weight`)!.values, own, name));
    }
  });

  it("fuse-mts-tied/embed-only, mlx-real-tied-embed: the head stays the old embedding", async () => {
    const { after, before, config } = await fusion("fuse-mts-tied/embed-only", `${BASE}/qwen2tied`);
    expectClose(after.get("lm_head.weight"), before.get("model.embed_tokens.weight")!.values, 0);
    expect(config.tie_word_embeddings).toBe(false);
    const lora = await fusion("mlx-real-tied-embed/a", `${BASE}/qwen2tied`);
    const right = read(at("mlx-real-tied-embed/right-untied/model.safetensors"));
    expect([...lora.after.keys()].sort()).toEqual([...right.keys()].sort());
    for (const [name, { values }] of right) expectClose(lora.after.get(name), values);
    expect(lora.config).toEqual(JSON.parse(readFileSync(at("mlx-real-tied-embed/right-untied/config.json"), "utf8")));
  });

  it("mlx-real-tied-embed in MLX's own names gives the same", async () => {
    const out = join(folder, "mlx");
    await fuseModel([at("mlx-real-tied-embed/mlx")], { base: at(`${BASE}/qwen2tied`), out });
    const right = read(at("mlx-real-tied-embed/right-untied/model.safetensors"));
    const after = read(join(out, "model.safetensors"));
    for (const [name, { values }] of right) expectClose(after.get(name), values);
  });

  it("gguf-tied-lm-head, gguf-tied-embed: one of both changes, from the copy that the adapter holds", async () => {
    const head = await fusion("gguf-tied-lm-head/a", `${BASE}/qwen2tied`);
    const copy = head.own.get("base_model.model.lm_head.base_layer.weight")!.values;
    expectClose(head.after.get("model.embed_tokens.weight"), copy, 0);
    expectClose(head.after.get("lm_head.weight"), added(copy, head.own, "lm_head"));
    const embed = await fusion("gguf-tied-embed/a", `${BASE}/qwen2tied`);
    const old = embed.own.get("base_model.model.model.embed_tokens.base_layer.weight")!.values;
    expectClose(embed.after.get("lm_head.weight"), old, 0);
    expectClose(embed.after.get("model.embed_tokens.weight"), added(old, embed.own, "model.embed_tokens"));
  });

  it("fuse-mts-dtype: heads in f32 become the base's bf16", async () => {
    const { after, own, fused } = await fusion("fuse-mts-dtype/a", `${BASE}/qwen2bf16`);
    expect(fused.bytes).toBe(statSync(at(`${BASE}/qwen2bf16/model.safetensors`)).size);
    expectClose(after.get("lm_head.weight"), own.get("base_model.model.lm_head.weight")!.values, 2 ** -8);
  });

  it("resized-vocab, embed-resized-base-layer: the vocabulary follows in config.json", async () => {
    for (const [adapter, rows] of [
      ["a", 66],
      ["b", 68],
    ] as const) {
      const { after, own, config, fused } = await fusion(`resized-vocab/${adapter}`, `${BASE}/qwen2`);
      expect([config.vocab_size, fused.vocabSize, after.get("lm_head.weight")!.shape]).toEqual([
        rows,
        rows,
        [rows, 32],
      ]);
      expectClose(after.get("lm_head.weight"), own.get("base_model.model.lm_head.weight")!.values, 0);
    }
    const { after, own, config } = await fusion("embed-resized-base-layer/a", `${BASE}/qwen2tied`);
    const copy = own.get("base_model.model.model.embed_tokens.base_layer.weight")!.values;
    expectClose(after.get("model.embed_tokens.weight"), added(copy, own, "model.embed_tokens"));
    expectClose(after.get("lm_head.weight"), copy, 0);
    expect([config.vocab_size, config.tie_word_embeddings]).toEqual([66, false]);
  });

  it("fuse-dora, cfg-dora/real: every output has its magnitude", async () => {
    for (const adapter of ["fuse-dora/a", "cfg-dora/real"]) {
      const { after, before, own } = await fusion(adapter, `${BASE}/qwen2`);
      for (const layer of LAYERS) {
        const name = `model.${layer}`;
        const sum = added(before.get(`${name}.weight`)!.values, own, name);
        const magnitudes = own.get(`base_model.model.${name}.lora_magnitude_vector`)!.values;
        const columns = sum.length / magnitudes.length;
        const wanted = sum.map((value, x) => {
          const o = Math.floor(x / columns);
          return (value * magnitudes[o]!) / Math.hypot(...sum.subarray(o * columns, (o + 1) * columns));
        });
        expectClose(after.get(`${name}.weight`), wanted, 2e-6);
      }
    }
  });

  it("bias-extra-vllm: trained biases take the places of the base's", async () => {
    const { after, own } = await fusion("bias-extra-vllm/a", `${BASE}/qwen2`);
    const bias = own.get("base_model.model.model.layers.1.self_attn.v_proj.base_layer.bias")!;
    expectClose(after.get("model.layers.1.self_attn.v_proj.bias"), bias.values, 0);
  });

  it.each([
    ["fuse-qwen2vl-new/a", "fuse-qwen2vl-new/base", "model.language_model.", "model."],
    ["mm-rename/new", `${BASE}/gemma3`, "model.language_model.", "language_model.model."],
    ["mm-rename/old", `${BASE}/gemma3`, "model.", "language_model.model."],
    ["mm-rename/older", `${BASE}/gemma3`, "language_model.model.", "language_model.model."],
    ["mm-rename/new", `${BASE}/qwen2`, "model.language_model.", "model."],
    ["mm-rename/older", `${BASE}/qwen2`, "language_model.model.", "model."],
  ])("%s finds its modules in %s", async (adapter, base, ofAdapter, ofBase) => {
    const { after, before, own } = await fusion(adapter, base);
    for (const layer of LAYERS) {
      const wanted = added(before.get(`${ofBase}${layer}.weight`)!.values, own, `${ofAdapter}${layer}`);
      expectClose(after.get(`${ofBase}${layer}.weight`), wanted);
    }
    const visual = before.get("visual.blocks.0.attn.qkv.weight");
    if (visual === undefined) return;
    const wanted = added(visual.values, own, "model.visual.blocks.0.attn.qkv");
    expectClose(after.get("visual.blocks.0.attn.qkv.weight"), wanted);
  });

  it("fuse-fused-experts: gate, up and down of single experts go into the tensors of all", async () => {
    const { before, after, own } = await fusion("moe-per-expert/a", "fuse-fused-experts/base");
    const experts = "model.layers.0.mlp.experts";
    const [gateUp, down] = ["gate_up_proj", "down_proj"].map((name) => before.get(`${experts}.${name}`)!);
    const [count, , width] = gateUp!.shape as [number, number, number];
    const slice = ({ values }: { values: Float64Array }, e: number) =>
      values.subarray((e * values.length) / count, ((e + 1) * values.length) / count);
    const expected: [number[], number[]] = [[], []];
    for (let e = 0; e < count; e++) {
      const half = slice(gateUp!, e).length / 2;
      expected[0].push(...added(slice(gateUp!, e).subarray(0, half), own, `${experts}.${e}.gate_proj`));
      expected[0].push(...added(slice(gateUp!, e).subarray(half), own, `${experts}.${e}.up_proj`));
      expected[1].push(...added(slice(down!, e), own, `${experts}.${e}.down_proj`));
    }
    expect(width).toBe(own.get(`base_model.model.${experts}.0.gate_proj.lora_A.weight`)!.shape[1]);
    expectClose(after.get(`${experts}.gate_up_proj`), expected[0]);
    expectClose(after.get(`${experts}.down_proj`), expected[1]);
  });

  it.each([
    ["bnb-base/a", "bnb-base/base", /stored as U8, and no delta can be added to that type; pass the base model in f32/],
    ["embed-resized-base-layer/a", `${BASE}/qwen2`, /lm_head\.weight of qwen2 keeps 64.*resize_token_embeddings\(66\)/],
    [
      "token-adapter/a",
      `${BASE}/qwen2`,
      /row of token 100, but model\.embed_tokens\.weight has 64 rows; resize the base/,
    ],
    ["token-adapter/a-nocfg", `${BASE}/qwen2`, /single token embeddings.*save the adapter again/],
    ["cfg-dora/a", `${BASE}/qwen2`, /is a DoRA adapter.*no magnitude/],
    ["cfg-lora_bias/a", `${BASE}/qwen2`, /lora_bias.*holds no tensor/],
    [
      "llamacpp-tied-real/embed",
      `${BASE}/qwen2tied`,
      /delta of \(128, 1209\), but model\.embed_tokens\.weight of qwen2tied is \(64, 32\)/,
    ],
  ])("%s into %s is refused in words, and leaves nothing", async (adapter, base, words) => {
    const out = join(folder, "refused");
    const own = existsSync(at(join(adapter, "adapter_config.json"))) ? adapter : join(adapter, "a");
    await expect(fuseModel([at(own)], { base: at(base), out })).rejects.toThrow(words);
    expect(readdirSync(folder).filter((name) => name.startsWith("refused"))).toEqual([]);
  });
});

/** A folder of a part of a pipeline with random weights for an adapter's modules, all but those of other parts. */
async function partOf(file: string, part: string): Promise<string> {
  const { adapter, close } = await openAdapterPath(file);
  const random = seededRandom(5);
  const tensors = [...adapter.modules.values()].flatMap(({ name, out, inputShape }) => {
    if (!name.startsWith(`${part}.`)) return [];
    const shape = [out, ...inputShape];
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size) }, () =>
      random.uniform(),
    );
    const data = new Uint8Array(values.buffer);
    return [{ name: `${name.slice(part.length + 1)}.weight`, dtype: "F32" as const, shape, data }];
  });
  close();
  const base = join(folder, `pipeline-${made++}`, part);
  mkdirSync(base, { recursive: true });
  writeFileSync(join(base, "diffusion_pytorch_model.safetensors"), encodeSafetensors(tensors));
  writeFileSync(join(base, "config.json"), '{"_class_name": "Model"}');
  return base;
}

describe.skipIf(absent)("DoRA of image models", () => {
  it("dora-kohya: input channels have their magnitudes, other layers their deltas, text encoders their own folder", async () => {
    const file = join(IMAGES, "dora-kohya/lora.safetensors");
    const base = await partOf(file, "unet");
    const out = join(folder, `image-${made++}`);
    const fused = await fuseModel([file], { base, out });
    expect(fused.elsewhere).toEqual({ text_encoder: 2, text_encoder_2: 2 });
    const own = read(file);
    const before = read(join(base, "diffusion_pytorch_model.safetensors"));
    const after = read(join(out, "diffusion_pytorch_model.safetensors"));
    const plain = (key: string, module: string): Float64Array => {
      const [a, b, alpha] = ["lora_down.weight", "lora_up.weight", "alpha"].map((last) => own.get(`${key}.${last}`)!);
      const factors = new Map([
        [`base_model.model.${module}.lora_A.weight`, a!],
        [`base_model.model.${module}.lora_B.weight`, b!],
      ]);
      return added(before.get(`${module}.weight`)!.values, factors, module, alpha!.values[0]! / a!.shape[0]!);
    };
    const block = "down_blocks.1.attentions.0";
    const to = "transformer_blocks.0.attn1.to_q";
    const query = plain("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", `${block}.${to}`);
    expectClose(after.get(`${block}.${to}.weight`), query);
    const sum = plain("lora_unet_input_blocks_4_1_proj_in", `${block}.proj_in`);
    const magnitudes = own.get("lora_unet_input_blocks_4_1_proj_in.dora_scale")!.values;
    const norms = magnitudes.map((_, i) => Math.hypot(...sum.filter((_, x) => x % 24 === i)));
    const wanted = sum.map((value, x) => (value * magnitudes[x % 24]!) / norms[x % 24]!);
    expectClose(after.get(`${block}.proj_in.weight`), wanted, 2e-6);
  });

  it("dora-diffusers: outputs have their magnitudes", async () => {
    const file = join(IMAGES, "dora-diffusers/lora.safetensors");
    const base = await partOf(file, "transformer");
    const out = join(folder, `image-${made++}`);
    await fuseModel([file], { base, out });
    const own = read(file);
    const module = "transformer_blocks.0.attn.to_q";
    const before = read(join(base, "diffusion_pytorch_model.safetensors"));
    const factors = new Map(
      ["A", "B"].map((half) => [
        `base_model.model.${module}.lora_${half}.weight`,
        own.get(`transformer.${module}.lora_${half}.weight`)!,
      ]),
    );
    const sum = added(before.get(`${module}.weight`)!.values, factors, module, 1);
    const magnitudes = own.get(`transformer.${module}.lora_magnitude_vector`)!.values;
    const wanted = sum.map((value, x) => {
      const o = Math.floor(x / 24);
      return (value * magnitudes[o]!) / Math.hypot(...sum.subarray(o * 24, (o + 1) * 24));
    });
    expectClose(read(join(out, "diffusion_pytorch_model.safetensors")).get(`${module}.weight`), wanted, 2e-6);
  });
});
