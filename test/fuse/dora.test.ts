import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { planFusion } from "../../src/fuse/plan-fusion.ts";
import { baseConfig, fusedTensors } from "../support/fusing.ts";
import { keyOf, memoryFolder, peftFiles } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { encodeTensor, type Nested } from "../support/pico.ts";

const Q = "model.layers.0.q_proj";
/** W (3, 2) and a delta of scale 0.5: B (3, 1), A (1, 2). */
const W = [
  [1, 4],
  [0, 2],
  [-3, 1],
];
const [A, B] = [[[2, -1]], [[2], [1], [-2]]];
const SCALE = 0.5;

const peft = (tensors: readonly TensorData[], config: object = {}): Promise<Adapter> =>
  openAdapter(memoryFolder("dora", peftFiles(tensors, { use_dora: true, r: 1, lora_alpha: SCALE, ...config })));
const mlx = (tensors: readonly TensorData[]): Promise<Adapter> =>
  openAdapter(
    memoryFolder("dora", {
      "adapters.safetensors": encodeSafetensors(tensors),
      "adapter_config.json": JSON.stringify({
        fine_tune_type: "dora",
        num_layers: 1,
        lora_parameters: { rank: 1, scale: SCALE, dropout: 0 },
      }),
    }),
  );
const file = (tensors: readonly TensorData[]): Promise<Adapter> =>
  openAdapter(memoryFolder("dora", { "lora.safetensors": encodeSafetensors(tensors) }));
const factors = (module: string, a: Nested, b: Nested, words = ["lora_A.weight", "lora_B.weight"]): TensorData[] => [
  encodeTensor(`${module}.${words[0]}`, a),
  encodeTensor(`${module}.${words[1]}`, b),
];

/** W + s B A by loops, every entry scaled by its magnitude over the norm of all entries that share it. */
function expected(w: number[][], delta: number[][], magnitudes: number[], groupOf: (o: number, i: number) => number) {
  const sum = w.map((row, o) => row.map((value, i) => value + delta[o]![i]!));
  const squares = new Array<number>(magnitudes.length).fill(0);
  for (const [o, row] of sum.entries()) for (const [i, value] of row.entries()) squares[groupOf(o, i)]! += value ** 2;
  return sum.flatMap((row, o) =>
    row.map((value, i) => (value * magnitudes[groupOf(o, i)]!) / Math.sqrt(squares[groupOf(o, i)]!)),
  );
}
const product = (b: number[][], a: number[][]): number[][] =>
  b.map((row) => a[0]!.map((_, i) => SCALE * row.reduce((sum, value, r) => sum + value * a[r]![i]!, 0)));
const DELTA = product(B, A);
const transpose = (m: number[][]): number[][] => m[0]!.map((_, i) => m.map((row) => row[i]!));
const close = (values: number[], others: number[]): void => {
  expect(values).toHaveLength(others.length);
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(others[i]!, 5);
};
const weightOf = async (name: string, values: Nested, adapter: Adapter): Promise<number[]> =>
  (
    await fusedTensors(
      await openPicoModel({ [name]: values }),
      [adapter],
      {},
      baseConfig({ tie_word_embeddings: false }),
    )
  )[name]!.values;

describe("fuse of a DoRA adapter", () => {
  it("of PEFT scales every output to its magnitude, by hand", async () => {
    // W + B A = ((3, 4), (0, 2)): norms 5 and 2, magnitudes 10 and 3.
    const base = [
      [1, 4],
      [0, 2],
    ];
    const magnitude = encodeTensor(keyOf(Q, "lora_magnitude_vector"), [10, 3]);
    const adapter = await peft([...factors(keyOf(Q, "x").slice(0, -2), [[1, 0]], [[2], [0]]), magnitude], {
      lora_alpha: 1,
    });
    expect(await weightOf(`${Q}.weight`, base, adapter)).toEqual([6, 8, 0, 3]);
  });

  it("does so where the base holds the transpose", async () => {
    const magnitude = encodeTensor(keyOf(Q, "lora_magnitude_vector"), [10, 3, 7]);
    const adapter = await peft([...factors(keyOf(Q, "x").slice(0, -2), A, B), magnitude], { fan_in_fan_out: true });
    const out = expected(W, DELTA, [10, 3, 7], (o) => o);
    const turned = [0, 2, 4, 1, 3, 5].map((i) => out[i]!);
    close(await weightOf(`${Q}.weight`, transpose(W), adapter), turned);
  });

  it("of PEFT scales an embedding's dimensions, not its tokens", async () => {
    // lora_embedding_A (r, tokens), lora_embedding_B (dimensions, r).
    const words = ["lora_embedding_A", "lora_embedding_B"];
    const stem = keyOf("model.embed_tokens", "x").slice(0, -2);
    const magnitude = encodeTensor(`${stem}.lora_magnitude_vector`, [5, 2]);
    const adapter = await peft([...factors(stem, transpose(B), transpose(A), words), magnitude]);
    close(
      await weightOf("model.embed_tokens.weight", W, adapter),
      expected(W, DELTA, [5, 2], (_, i) => i),
    );
  });

  it("of PEFT scales a convolution's outputs, whose magnitudes it stores as (1, out, 1, 1)", async () => {
    const kernel = (m: number[][]): number[][][][] => m.map((row) => [row.map((value) => [value])]);
    const magnitude = encodeTensor(keyOf("conv", "lora_magnitude_vector"), [[[[5]], [[2]], [[1]]]]);
    const stem = keyOf("conv", "x").slice(0, -2);
    const b = B.map((row) => row.map((value) => [[value]]));
    const adapter = await peft([...factors(stem, kernel(A), b), magnitude]);
    close(
      await weightOf("conv.weight", kernel(W), adapter),
      expected(W, DELTA, [5, 2, 1], (o) => o),
    );
  });

  it("of mlx-lm scales a layer's outputs and an embedding's tokens", async () => {
    const words = ["lora_a", "lora_b"];
    const layer = await mlx([...factors(Q, transpose(A), transpose(B), words), encodeTensor(`${Q}.m`, [5, 2, 1])]);
    close(
      await weightOf(`${Q}.weight`, W, layer),
      expected(W, DELTA, [5, 2, 1], (o) => o),
    );
    // lora_a (tokens, r), lora_b (r, dimensions).
    const embed = "model.embed_tokens";
    const tokens = await mlx([...factors(embed, B, A, words), encodeTensor(`${embed}.m`, [5, 2, 1])]);
    close(
      await weightOf(`${embed}.weight`, W, tokens),
      expected(W, DELTA, [5, 2, 1], (o) => o),
    );
  });

  describe("of LyCORIS (kohya's names)", () => {
    const key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
    const module = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    const words = ["lora_down.weight", "lora_up.weight"];
    const lycoris = (magnitudes: Nested): Promise<Adapter> =>
      file([
        ...factors(key, A, B, words),
        encodeTensor(`${key}.alpha`, [SCALE]),
        encodeTensor(`${key}.dora_scale`, magnitudes),
      ]);

    it("scales outputs where the magnitudes are (out, 1)", async () => {
      const adapter = await lycoris([[5], [2], [1]]);
      close(
        await weightOf(`${module}.weight`, W, adapter),
        expected(W, DELTA, [5, 2, 1], (o) => o),
      );
    });

    it("scales inputs where they are (1, in)", async () => {
      const adapter = await lycoris([[5, 2]]);
      close(
        await weightOf(`${module}.weight`, W, adapter),
        expected(W, DELTA, [5, 2], (_, i) => i),
      );
    });

    it("scales a convolution's input channels, whole kernels at once, where they are (1, in, 1, 1)", async () => {
      // W (3, 2) as (3 outputs, 1 channel, 1, 2): both columns share a magnitude.
      const conv = "lora_unet_down_blocks_0_resnets_0_conv1";
      const kernels = W.map((row) => [[row]]);
      const adapter = await file([
        ...factors(
          conv,
          [[A[0]!]].map((x) => [x]),
          B.map((row) => row.map((value) => [[value]])),
          words,
        ),
        encodeTensor(`${conv}.alpha`, [SCALE]),
        encodeTensor(`${conv}.dora_scale`, [[[[4]]]]),
      ]);
      const own = await weightOf("down_blocks.0.resnets.0.conv1.weight", kernels, adapter);
      close(
        own,
        expected(W, DELTA, [4], () => 0),
      );
    });

    it("leaves modules without a magnitude plain", async () => {
      const other = key.replace("to_q", "to_k");
      const adapter = await file([
        ...factors(key, A, B, words),
        encodeTensor(`${key}.alpha`, [SCALE]),
        encodeTensor(`${key}.dora_scale`, [[5, 2]]),
        ...factors(other, A, B, words),
        encodeTensor(`${other}.alpha`, [SCALE]),
      ]);
      const model = await openPicoModel({ [`${module}.weight`]: W, [`${module.replace("to_q", "to_k")}.weight`]: W });
      const fused = await fusedTensors(model, [adapter]);
      close(
        fused[`${module.replace("to_q", "to_k")}.weight`]!.values,
        expected(W, DELTA, [1, 1, 1], (o) => o).map((_, i) => W.flat()[i]! + DELTA.flat()[i]!),
      );
    });
  });

  it("of diffusers scales outputs", async () => {
    const module = "transformer_blocks.0.attn.to_q";
    const adapter = await file([
      ...factors(`transformer.${module}`, A, B),
      encodeTensor(`transformer.${module}.alpha`, [SCALE]),
      encodeTensor(`transformer.${module}.lora_magnitude_vector`, [5, 2, 1]),
    ]);
    close(
      await weightOf(`${module}.weight`, W, adapter),
      expected(W, DELTA, [5, 2, 1], (o) => o),
    );
  });

  it("is fused by itself where the other adapters have the weight 0", async () => {
    const base = await openPicoModel({ [`${Q}.weight`]: W });
    const stem = keyOf(Q, "x").slice(0, -2);
    const adapter = await peft([...factors(stem, A, B), encodeTensor(`${stem}.lora_magnitude_vector`, [1, 2, 3])]);
    const wanted = await fusedTensors(base, [adapter]);
    for (const weights of [
      [1, 0],
      [0, 1],
    ])
      expect(await fusedTensors(base, [adapter, adapter], { weights })).toEqual(wanted);
  });

  it("is refused with other weights, other adapters, or magnitudes of another size", async () => {
    const base = await openPicoModel({ [`${Q}.weight`]: W });
    const stem = keyOf(Q, "x").slice(0, -2);
    const adapter = await peft([...factors(stem, A, B), encodeTensor(`${stem}.lora_magnitude_vector`, [1, 2, 3])]);
    for (const [adapters, recipe] of [
      [[adapter], { weights: [2] }],
      [[adapter], { scale: 0.5 }],
      [[adapter, adapter], {}],
    ] as const) {
      expect(() => planFusion(base, adapters, recipe)).toThrow(/is a DoRA adapter.*fuse it by itself/);
    }
    const odd = await peft([...factors(stem, A, B), encodeTensor(`${stem}.lora_magnitude_vector`, [1, 2])]);
    expect(() => planFusion(base, [odd], {})).toThrow(/magnitudes of .* are F32 \(2\).*each of its 3 outputs/);
    const bare = await peft(factors(stem, A, B));
    expect(() => planFusion(base, [bare], {})).toThrow(/is a DoRA adapter .* no magnitude/);
  });
});
