import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { FormatError, RefusedError, UsageError } from "../../src/core/errors.ts";
import { type BaseModel, openModel } from "../../src/fuse/base-model.ts";
import { type FuseRecipe, planFusion } from "../../src/fuse/plan-fusion.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { baseConfig, fusedFiles as fused, fusedTensors } from "../support/fusing.ts";
import { keyOf, memoryFolder } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { type Nested, openPico } from "../support/pico.ts";

const GOLDEN = fileURLToPath(new URL("../golden/fuse/", import.meta.url));
const golden = (path: string): Uint8Array => new Uint8Array(readFileSync(`${GOLDEN}${path}`));

/** One f32 tensor of a fused model of one file. */
async function tensorOf(base: BaseModel, bytes: Uint8Array, name: string): Promise<number[]> {
  const { begin, end } = base.tensors.get(name)!;
  return [...new Float32Array(bytes.slice(begin, end).buffer)];
}

const Q = "model.layers.0.q_proj";

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
    const [bytes] = await fused(
      base,
      adapters,
      { weights, scale },
      baseConfig({ tie_word_embeddings: false }),
      kernels(),
    );
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
    const turned = await fusedTensors(base, [adapter], {}, baseConfig({ model_type: "gpt2" }));
    expect(turned["h.0.attn.c_proj.weight"]!.values).toEqual([2, 3, 20, 30]);
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
    expect([...planFusion(base, [adapter], {}).changed.keys()]).toEqual([`${own}.weight`]);
  });

  it.each([
    [{ "other.weight": [[1, 2]] }, {}, /base has no tensor model\.layers\.0\.q_proj\.weight, which mine: .* adapts/],
    [
      { "layers.0.q_proj.weight": [[1, 2]], "bert.layers.0.q_proj.weight": [[1, 2]] },
      {},
      /may be .* or .* in base, and nothing says which/,
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

  it("refuses a module that two names mean", async () => {
    const base = await openPicoModel({ [`${Q}.weight`]: [[1]] });
    const one = { A: [[1]], B: [[1]] };
    const adapter = await openPico("mine", { modules: { [Q]: one, "layers.0.q_proj": one } });
    expect(() => planFusion(base, [adapter], {})).toThrow(
      /layers\.0\.q_proj and model\.layers\.0\.q_proj are both model\.layers\.0\.q_proj\.weight/,
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
    const [dropped] = await fused(base, [head], { extras: "drop" });
    expect(await tensorOf(base, dropped!, "score.weight")).toEqual([2]);
    const wide = await openPicoModel({ [`${Q}.weight`]: [[1]], "score.weight": [[2, 3]] });
    expect(() => planFusion(wide, [head], {})).toThrow(/cannot replace it; pass the base model that was saved/);
    expect(() => planFusion(base, [head, head], {})).toThrow(
      /when another adapter is fused too; merge the adapters first/,
    );
  });
});
