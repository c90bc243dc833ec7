import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { MERGED_VARIANTS, refuseVariants, type VariantId } from "../../src/adapter/variants.ts";
import { inspectOpened } from "../../src/analysis/inspect.ts";
import { verifyOpened } from "../../src/analysis/verify.ts";
import { FORMATS } from "../../src/convert/formats.ts";
import { LoraLegoError, RefusedError } from "../../src/core/errors.ts";
import { layoutGguf } from "../../src/formats/gguf/layout.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { filled, keyOf, linear, memoryFolder, openPeft } from "../support/memory-folder.ts";
import { WRITERS } from "../support/writers.ts";

const KOHYA = "lora_unet_mid_block_attentions_0_proj_in";
const DIFFUSERS = "unet.mid_block.attentions.0.proj_in";
const MLX = "model.layers.0.self_attn.q_proj";

const ids = ({ variants }: Adapter): VariantId[] => variants.map(({ id }) => id);

function openFile(
  tensors: readonly TensorData[],
  metadata?: Record<string, string>,
  config?: object,
): Promise<Adapter> {
  const files = { "weights.safetensors": encodeSafetensors(tensors, metadata) };
  const configs = config === undefined ? {} : { "adapter_config.json": JSON.stringify(config) };
  return openAdapter(memoryFolder("mine", { ...files, ...configs }));
}

/** A DoRA adapter of one module (2, 3) -> 4 in each dialect that stores magnitudes, and that module's name. */
const DORA: Readonly<Record<string, readonly [() => Promise<Adapter>, string]>> = {
  peft: [() => openPeft([...linear("q"), filled(keyOf("q", "lora_magnitude_vector"), [4])], { use_dora: true }), "q"],
  "peft, newer key": [
    () => openPeft([...linear("q"), filled(keyOf("q", "lora_magnitude_vector.weight"), [4])], { use_dora: true }),
    "q",
  ],
  kohya: [
    () =>
      openFile([
        filled(`${KOHYA}.lora_down.weight`, [2, 3]),
        filled(`${KOHYA}.lora_up.weight`, [4, 2]),
        filled(`${KOHYA}.dora_scale`, [4, 1]),
      ]),
    DIFFUSERS,
  ],
  diffusers: [
    () =>
      openFile([
        filled(`${DIFFUSERS}.lora_A.weight`, [2, 3]),
        filled(`${DIFFUSERS}.lora_B.weight`, [4, 2]),
        filled(`${DIFFUSERS}.lora_magnitude_vector`, [4]),
      ]),
    DIFFUSERS,
  ],
  "diffusers, dora_scale": [
    () =>
      openFile([
        filled(`${DIFFUSERS}.lora_A.weight`, [2, 3]),
        filled(`${DIFFUSERS}.lora_B.weight`, [4, 2]),
        filled(`${DIFFUSERS}.dora_scale`, [4, 1]),
      ]),
    DIFFUSERS,
  ],
  mlx: [
    () =>
      openFile([filled(`${MLX}.lora_a`, [3, 2]), filled(`${MLX}.lora_b`, [2, 4]), filled(`${MLX}.m`, [4])], undefined, {
        fine_tune_type: "dora",
        lora_parameters: { rank: 2, scale: 1 },
      }),
    MLX,
  ],
};

describe("DoRA", () => {
  it.each(Object.entries(DORA))("of %s is read with its magnitudes by module", async (_, [open, module]) => {
    const adapter = await open();
    expect(ids(adapter)).toEqual(["dora"]);
    expect([...adapter.magnitudes.keys()]).toEqual([module]);
    expect([...adapter.modules.keys()]).toEqual([module]);
    expect(adapter.variants[0]!.text).toMatch(
      /^is a DoRA adapter \(tensor .*\).*; fuse it into its base model, or merge it with --dora bake --base DIR .* or --dora drop \(without magnitudes\)\.$/,
    );
    expect(() => refuseVariants(adapter, ["dora"])).not.toThrow();
  });

  it.each([
    ["a config that says so and no magnitude", () => openPeft(linear("q"), { use_dora: true }), "no magnitude for q"],
    [
      "a magnitude for one module of two",
      () =>
        openPeft([...linear("q"), ...linear("v"), filled(keyOf("q", "lora_magnitude_vector"), [4])], {
          use_dora: true,
        }),
      "no magnitude for v",
    ],
    [
      "a magnitude and no factors for it",
      () => openPeft([...linear("q"), filled(keyOf("v", "lora_magnitude_vector"), [4])]),
      "no factors for the magnitude of v",
    ],
    [
      "metadata that says so",
      () =>
        openFile([filled(`${DIFFUSERS}.lora_A.weight`, [2, 3]), filled(`${DIFFUSERS}.lora_B.weight`, [4, 2])], {
          lora_adapter_metadata: JSON.stringify({ "unet.r": 2, "unet.lora_alpha": 2, "unet.use_dora": true }),
        }),
      `no magnitude for ${DIFFUSERS}`,
    ],
    [
      "MLX's config that says so",
      () =>
        openFile([filled(`${MLX}.lora_a`, [3, 2]), filled(`${MLX}.lora_b`, [2, 4])], undefined, {
          fine_tune_type: "dora",
          lora_parameters: { rank: 2, scale: 1 },
        }),
      `no magnitude for ${MLX}`,
    ],
  ])("with %s cannot be applied by anything", async (_, open, words) => {
    const adapter = await open();
    expect(ids(adapter)).toEqual(["incomplete"]);
    for (const applied of [[], ["dora"]] as const) expect(() => refuseVariants(adapter, applied)).toThrow(words);
  });

  it("never comes out of a writer, a plan or a merge, in any dialect and mixture", async () => {
    const doras = Object.values(DORA).map(([open]) => open);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...doras),
        fc.array(fc.boolean(), { maxLength: 2 }),
        fc.nat(2),
        fc.constantFrom(...WRITERS),
        async (open, plain, at, writer) => {
          const dora = await open();
          const adapters: Adapter[] = await Promise.all(
            plain.map((named, i) => openPeft(linear(named ? [...dora.modules.keys()][0]! : "q"), {}, `plain-${i}`)),
          );
          adapters.splice(Math.min(at, adapters.length), 0, dora);
          expect(() => makePlan(adapters, { allowPartial: true })).toThrow(/DoRA/);
          const recipe = { method: "cat", allowPartial: true };
          await expect(mergeInMemory(adapters, recipe as Recipe)).rejects.toThrow(/DoRA/);
          await expect(mergeInMemory(adapters, { ...recipe, ...{ dora: true } } as unknown as Recipe)).rejects.toThrow(
            LoraLegoError,
          );
          if (!FORMATS[writer.id].variants.includes("dora"))
            expect(() => writer.convert(dora, null)).toThrow(/DoRA|runs only language models/);
          await expect(verifyOpened(wasmKernels(), adapters, null, 0)).rejects.toThrow(/DoRA/);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what an adapter is beside a plain LoRA", () => {
  const delta = keyOf("model.embed_tokens", "token_adapter.trainable_tokens_delta");
  const CASES: [string, () => Promise<Adapter>, VariantId[], RegExp, { modules: number; others: number }][] = [
    [
      "lora_bias by its config alone",
      () => openPeft(linear("q"), { lora_bias: true }),
      ["incomplete"],
      /\(lora_bias\), but its file holds no tensor q\.lora_B\.bias; save/,
      { modules: 1, others: 0 },
    ],
    [
      "lora_bias by its tensors",
      () => openPeft([...linear("q"), filled(keyOf("q", "lora_B.bias"), [4])]),
      ["lora_bias"],
      /q\.lora_B\.bias.*; keep it in one, fuse it .*--extras drop/,
      { modules: 1, others: 0 },
    ],
    [
      "an activated LoRA",
      () => openPeft(linear("q"), { alora_invocation_tokens: [1] }),
      ["alora"],
      /alora_invocation_tokens.*; keep it in one of these/,
      { modules: 1, others: 0 },
    ],
    [
      "of replicated layers",
      () => openPeft(linear("q"), { layer_replication: [[0, 2]] }),
      ["layer_replication"],
      /layer_replication.*; retrain/,
      { modules: 1, others: 0 },
    ],
    [
      "relative to a changed base",
      () => openPeft(linear("q"), { init_lora_weights: "pissa_niter_16" }),
      ["changed_base"],
      /"pissa_niter_16".*path_initial_model_for_weight_conversion/,
      { modules: 1, others: 0 },
    ],
    [
      "of a parameter of experts that nothing names",
      () => openPeft([...linear("mlp.experts", 8), ...linear("q")]),
      ["target_parameters"],
      /of mlp\.experts, but its config has no target_parameters, .*; add it/,
      { modules: 1, others: 2 },
    ],
    [
      "of trained tokens whose numbers are not known",
      () => openPeft([...linear("q"), filled(delta, [2, 3])]),
      ["incomplete"],
      /trains single token embeddings \(tensor .*trainable_tokens_delta\)/,
      { modules: 1, others: 1 },
    ],
    [
      "another PEFT method",
      () => openPeft([filled("base_model.model.prompt_embeddings", [4, 3])], { peft_type: "PROMPT_TUNING" }),
      ["other_method"],
      /peft_type "PROMPT_TUNING"/,
      { modules: 0, others: 1 },
    ],
    [
      "QA-LoRA, whose factors make no delta",
      () => openPeft(linear("q"), { use_qalora: true }),
      ["other_method"],
      /use_qalora.*; retrain/,
      { modules: 0, others: 2 },
    ],
    [
      "a tensor of a LoRA that is not known",
      () => openPeft([...linear("q"), filled(keyOf("q", "lora_diag"), [2])]),
      ["other_method"],
      /q\.lora_diag, which is not part of a plain LoRA/,
      { modules: 1, others: 1 },
    ],
    [
      "LyCORIS",
      () => openFile([filled("lora_unet_a.a1.weight", [2, 2]), filled("lora_unet_a.a2.weight", [2, 2])]),
      ["other_method"],
      /is a GLoRA of LyCORIS \(tensor lora_unet_a\.a1\.weight\), which multiplies .*; merge it into its base .* lora-lego extract/,
      { modules: 0, others: 2 },
    ],
  ];

  it.each(CASES)("is told: %s", async (_, open, expected, said, { modules, others }) => {
    const adapter = await open();
    expect(ids(adapter)).toEqual(expected);
    expect(adapter.variants[0]!.text).toMatch(said);
    for (const { text } of adapter.variants)
      expect(text).toMatch(/^(is|has|holds|trains|adapts|belongs|was|splits) .*[;,] .*\.$/);
    expect([adapter.modules.size, adapter.others.size]).toEqual([modules, others]);
    expect(adapter.extras.size).toBe(0);
    const inspection = await inspectOpened(wasmKernels(), adapter);
    expect(inspection.variants).toEqual(adapter.variants);
    expect([inspection.modules.length, inspection.others.length]).toEqual([modules, others]);
    if (!expected.every((id) => MERGED_VARIANTS.includes(id))) {
      expect(() => makePlan([adapter], {})).toThrow(RefusedError);
      expect(() => makePlan([adapter], {})).toThrow(adapter.variants[0]!.text);
    }
    for (const writer of WRITERS) {
      const held = adapter.variants.every(({ id }) => FORMATS[writer.id].variants.includes(id));
      if (!held) expect(() => writer.convert(adapter, null)).toThrow(RefusedError);
    }
  });

  it("keeps trained token rows with their tokens, which are refused only where nothing applies them", async () => {
    const adapter = await openPeft([...linear("q"), filled(delta, [2, 3])], {
      trainable_token_indices: { embed_tokens: [7, 5] },
    });
    expect(ids(adapter)).toEqual(["token_indices"]);
    expect(adapter.tokenRows.get("model.embed_tokens")).toMatchObject({ indices: [7, 5], tensor: { name: delta } });
    expect(() => refuseVariants(adapter, ["token_indices"])).not.toThrow();
    expect(() => refuseVariants(adapter)).toThrow(/^adapter trains single token embeddings/);
    const odd = await openPeft([...linear("q"), filled(delta, [3, 3])], { trainable_token_indices: [7, 5] });
    expect(() => refuseVariants(odd, ["token_indices"])).toThrow(/is \(3, 3\), but its config names 2 tokens/);
    const none = await openPeft(linear("q"), { trainable_token_indices: [7] });
    expect(() => refuseVariants(none, ["token_indices"])).toThrow(/no trained rows for the embedding/);
  });

  it("is told of GGUF's activated LoRA", async () => {
    const { header, size } = layoutGguf(
      [
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
        ["adapter.alora.invocation_tokens", { int32s: [1, 2] }],
      ],
      [
        { name: "blk.7.attn_q.weight.lora_a", dtype: "F32", shape: [1, 2] },
        { name: "blk.7.attn_q.weight.lora_b", dtype: "F32", shape: [3, 1] },
      ],
    );
    const bytes = new Uint8Array(size);
    bytes.set(header);
    expect(ids(await openAdapter(memoryFolder("mine", { "x.gguf": bytes })))).toEqual(["alora"]);
  });

  it("is nothing for a plain LoRA", async () => {
    const adapter = await openPeft(linear("q"));
    expect(adapter.variants).toEqual([]);
    expect(adapter.fileNames).toEqual({
      weights: "adapter_model.safetensors",
      config: "adapter_config.json",
      sharded: false,
    });
  });
});
