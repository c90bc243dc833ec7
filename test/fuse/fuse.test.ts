import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { memorySink } from "../../src/core/bytes.ts";
import { FormatError, RefusedError, UsageError } from "../../src/core/errors.ts";
import { type BaseModel, openModel } from "../../src/fuse/base-model.ts";
import { fuseShard } from "../../src/fuse/fuse.ts";
import { type FuseRecipe, planFusion } from "../../src/fuse/fuse-plan.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { keyOf, memoryFolder, peftFiles } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { encodeTensor, type Nested, openPico } from "../support/pico.ts";

const GOLDEN = fileURLToPath(new URL("../golden/fuse/", import.meta.url));
const golden = (path: string): Uint8Array => new Uint8Array(readFileSync(`${GOLDEN}${path}`));

/** The bytes of every shard of a fusion. */
async function fused(
  base: BaseModel,
  adapters: readonly Adapter[],
  recipe: FuseRecipe = {},
  kernels = wasmKernels(),
): Promise<Uint8Array[]> {
  const plan = planFusion(base, adapters, recipe);
  return Promise.all(
    base.shards.map(async ({ source }, i) => {
      const sink = memorySink(source.size);
      await fuseShard(kernels, base, adapters, plan, i, sink);
      return sink.bytes;
    }),
  );
}

/** One f32 tensor of a fused model of one file. */
async function tensorOf(base: BaseModel, bytes: Uint8Array, name: string): Promise<number[]> {
  const { begin, end } = base.tensors.get(name)!;
  return [...new Float32Array(bytes.slice(begin, end).buffer)];
}

const Q = "model.layers.0.q_proj";
const dora = (tensors: Parameters<typeof peftFiles>[0], config: object = {}): Promise<Adapter> =>
  openAdapter(memoryFolder("dora", peftFiles(tensors, { use_dora: true, ...config })));

describe("fuse", () => {
  it.each(
    ["f32", "f16", "bf16"].flatMap((dtype) => [
      { dtype, kernels: wasmKernels },
      { dtype, kernels: referenceKernels },
    ]),
  )("gives numpy's bits: $dtype, $kernels.name", async ({ dtype, kernels }) => {
    const { weights, scale } = JSON.parse(new TextDecoder().decode(golden("made.json")));
    const base = await openModel(
      memoryFolder("base", { "model.safetensors": golden(`base-${dtype}/model.safetensors`) }),
    );
    const adapters = await Promise.all(
      [0, 1].map((t) => {
        const files = ["adapter_config.json", "adapter_model.safetensors"].map((file) => [
          file,
          golden(`adapter-${t}/${file}`),
        ]);
        return openAdapter(memoryFolder(`adapter-${t}`, Object.fromEntries(files)));
      }),
    );
    const [bytes] = await fused(base, adapters, { weights, scale }, kernels());
    expect(bytes).toEqual(golden(`fused-${dtype}/model.safetensors`));
  });

  it("adds a delta by hand, and copies all else byte for byte", async () => {
    const base = await openPicoModel({
      [`${Q}.weight`]: [
        [1, 2],
        [3, 4],
      ],
      "model.norm.weight": [7],
    });
    const adapter = await openPico("mine", {
      modules: { [Q]: { A: [[1, 10]], B: [[2], [3]] } },
      config: { lora_alpha: 0.5 },
    });
    const [bytes] = await fused(base, [adapter], { weights: [2] });
    // 2 * 0.5 * (2, 3)^T (1, 10) = ((2, 20), (3, 30)).
    expect(await tensorOf(base, bytes!, `${Q}.weight`)).toEqual([3, 22, 6, 34]);
    expect(await tensorOf(base, bytes!, "model.norm.weight")).toEqual([7]);
  });

  it("keeps shards as they are", async () => {
    const base = await openPicoModel({ [`${Q}.weight`]: [[1]] }, { "lm_head.weight": [[2]] });
    const adapter = await openPico("mine", { modules: { lm_head: { A: [[1]], B: [[3]] } } });
    const [first, second] = await fused(base, [adapter]);
    const untouched = new Uint8Array(base.shards[0]!.source.size);
    await base.shards[0]!.source.read(0, untouched);
    expect(first).toEqual(untouched);
    expect(await tensorOf(base, second!, "lm_head.weight")).toEqual([5]);
  });

  it("knows by the base's type that a square layer of gpt2 is stored as (in, out)", async () => {
    const base = await openPicoModel({
      "h.0.attn.c_proj.weight": [
        [0, 0],
        [0, 0],
      ],
    });
    const adapter = await openPico("mine", { modules: { "h.0.attn.c_proj": { A: [[1, 10]], B: [[2], [3]] } } });
    const sink = memorySink(base.shards[0]!.source.size);
    await fuseShard(wasmKernels(), base, [adapter], planFusion(base, [adapter], {}, "gpt2"), 0, sink);
    expect(await tensorOf(base, sink.bytes, "h.0.attn.c_proj.weight")).toEqual([2, 3, 20, 30]);
    const [straight] = await fused(base, [adapter]);
    expect(await tensorOf(base, straight!, "h.0.attn.c_proj.weight")).toEqual([2, 20, 3, 30]);
  });

  it.each([
    ["h.0.attn.c_attn", "transformer.h.0.attn.c_attn"],
    ["roberta.encoder.layer.0.q", "encoder.layer.0.q"],
    ["model.language_model.layers.0.q", "language_model.layers.0.q"],
  ])("finds %s of a base for %s of an adapter", async (own, module) => {
    const base = await openPicoModel({ [`${own}.weight`]: [[1]] });
    const adapter = await openPico("mine", { modules: { [module]: { A: [[1]], B: [[3]] } } });
    expect([...planFusion(base, [adapter], {}).fused.keys()]).toEqual([`${own}.weight`]);
  });

  it.each([
    [{ "other.weight": [[1, 2]] }, {}, /base has no tensor model\.layers\.0\.q_proj\.weight, which mine: .* adapts/],
    [
      { "layers.0.q_proj.weight": [[1, 2]], "bert.layers.0.q_proj.weight": [[1, 2]] },
      {},
      /may be .* or .* in base, which is not clear/,
    ],
    [{ [`${Q}.weight`]: [[1, 2, 3]] }, {}, /delta of \(1, 2\), but .* is \(1, 3\)/],
    [{ [`${Q}.qweight`]: [[1]] }, {}, /base is quantized \(tensor .*qweight\)/],
    [{ [`${Q}.weight`]: [[1, 2]] }, { weights: [1, 2] }, /1 adapters but 2 weights/],
    [{ [`${Q}.weight`]: [[1, 2]] }, { scale: Number.NaN }, /finite/],
  ] as [Record<string, Nested>, FuseRecipe, RegExp][])("refuses %j with %j", async (tensors, recipe, words) => {
    const base = await openPicoModel(tensors);
    const adapter = await openPico("mine", { modules: { [Q]: { A: [[1, 10]], B: [[2]] } } });
    const plan = (): unknown => planFusion(base, [adapter], recipe);
    expect(plan).toThrow(words);
    expect(plan).toThrow("weights" in recipe || "scale" in recipe ? UsageError : RefusedError);
  });

  it("says that a tied output has no tensor of its own", async () => {
    const base = await openPicoModel({ "model.embed_tokens.weight": [[1]] });
    const adapter = await openPico("mine", { modules: { lm_head: { A: [[1]], B: [[3]] } } });
    expect(() => planFusion(base, [adapter], {})).toThrow(
      /no tensor lm_head\.weight.*share its tensor with the input embedding/,
    );
  });

  it("refuses results beyond the base's type, and bases that are not finite", async () => {
    const adapter = await openPico("mine", { modules: { [Q]: { A: [[3e38]], B: [[3]] } } });
    const base = await openPicoModel({ [`${Q}.weight`]: [[1]] });
    await expect(fused(base, [adapter])).rejects.toThrow(/q_proj\.weight would have values that f32 cannot hold/);
    const broken = await openPicoModel({ [`${Q}.weight`]: [[Number.NaN]] });
    await expect(fused(broken, [adapter])).rejects.toThrow(FormatError);
  });

  it("puts trained heads in the place of the base's, or refuses them", async () => {
    const modules = { [Q]: { A: [[1]], B: [[1]] } };
    const head = await openPico("head", { modules, extras: { [keyOf("score", "weight")]: [[9]] } });
    const base = await openPicoModel({ [`${Q}.weight`]: [[1]], "score.weight": [[2]] });
    const [bytes] = await fused(base, [head]);
    expect(await tensorOf(base, bytes!, "score.weight")).toEqual([9]);
    const [dropped] = await fused(base, [head], { dropExtras: true });
    expect(await tensorOf(base, dropped!, "score.weight")).toEqual([2]);
    const wide = await openPicoModel({ [`${Q}.weight`]: [[1]], "score.weight": [[2, 3]] });
    expect(() => planFusion(wide, [head], {})).toThrow(/cannot take its place; pass --extras drop/);
    expect(() => planFusion(base, [head, head], {})).toThrow(/together with another adapter; pass --extras drop/);
  });
});

describe("fuse of a DoRA adapter", () => {
  const factors = [
    encodeTensor(keyOf(Q, "lora_A.weight"), [[1, 0]]),
    encodeTensor(keyOf(Q, "lora_B.weight"), [[2], [0]]),
  ];
  const magnitude = encodeTensor(keyOf(Q, "lora_magnitude_vector"), [10, 3]);
  const config = { r: 1, lora_alpha: 1 };

  it("gives every output its magnitude, by hand", async () => {
    // W + B A = ((3, 4), (0, 2)): norms 5 and 2, magnitudes 10 and 3.
    const base = await openPicoModel({
      [`${Q}.weight`]: [
        [1, 4],
        [0, 2],
      ],
    });
    const [bytes] = await fused(base, [await dora([...factors, magnitude], config)]);
    expect(await tensorOf(base, bytes!, `${Q}.weight`)).toEqual([6, 8, 0, 3]);
  });

  it("does so where the base holds the transpose", async () => {
    const base = await openPicoModel({
      [`${Q}.weight`]: [
        [1, 0],
        [4, 2],
      ],
    });
    const adapter = await dora([...factors, magnitude], { ...config, fan_in_fan_out: true });
    const [bytes] = await fused(base, [adapter]);
    expect(await tensorOf(base, bytes!, `${Q}.weight`)).toEqual([6, 0, 8, 3]);
  });

  it("is refused with other weights, other adapters, or magnitudes of another size", async () => {
    const base = await openPicoModel({
      [`${Q}.weight`]: [
        [1, 4],
        [0, 2],
      ],
    });
    const adapter = await dora([...factors, magnitude], config);
    for (const [adapters, recipe] of [
      [[adapter], { weights: [2] }],
      [[adapter], { scale: 0.5 }],
      [[adapter, adapter], {}],
    ] as const) {
      expect(() => planFusion(base, adapters, recipe)).toThrow(/is a DoRA adapter.*fuse it by itself/);
    }
    const odd = await dora([...factors, encodeTensor(keyOf(Q, "lora_magnitude_vector"), [1, 2, 3])], config);
    expect(() => planFusion(base, [odd], {})).toThrow(/magnitudes of .* are F32 \(3\)/);
  });
});
