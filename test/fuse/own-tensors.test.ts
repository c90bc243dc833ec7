import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { fusedConfig } from "../../src/fuse/output-model.ts";
import { planFusion } from "../../src/fuse/plan-fusion.ts";
import { baseConfig, fusedFiles, fusedTensors } from "../support/fusing.ts";
import { keyOf, openPeft } from "../support/memory-folder.ts";
import { openPicoModel, openTypedModel } from "../support/models.ts";
import { encodeTensor, type Nested, openPico } from "../support/pico.ts";

const Q = "model.q";
const EMBED = "model.embed_tokens";
const NOTHING = { [Q]: { A: [[0]], B: [[0]] } };
const UNTIED = baseConfig({ tie_word_embeddings: false, vocab_size: 2 });
const OLD = [
  [1, 2],
  [3, 4],
];
const NEW = [
  [5, 6],
  [7, 8],
  [9, 10],
];
const model = (more: Record<string, Nested> = {}) =>
  openPicoModel({ [`${Q}.weight`]: [[1]], [`${EMBED}.weight`]: OLD, "lm_head.weight": OLD, ...more });
const adapter = (extras: Record<string, Nested>, config = {}): Promise<Adapter> =>
  openPico("mine", { modules: NOTHING, extras, config });

describe("tensors that an adapter holds in full", () => {
  it("are cast to the type of the base", async () => {
    const base = await openPicoModel({ [`${Q}.weight`]: [[1]], "score.weight": [[1, 1]] });
    const own = await adapter({ [keyOf("score", "weight")]: [[1.0009765625, -3]] });
    expect((await fusedTensors(base, [own]))["score.weight"]!.values).toEqual([1.0009765625, -3]);
    const bf16 = await openTypedModel("BF16", { [`${Q}.weight`]: [[1]], "score.weight": [[1, 1]] });
    // 1 + 2^-10 rounds to 1 in bf16.
    expect((await fusedTensors(bf16, [own]))["score.weight"]!.values).toEqual([1, -3]);
    const [bytes] = await fusedFiles(bf16, [own]);
    expect(bytes!.length).toBe(bf16.shards[0]!.source.size);
  });

  it("give the model another vocabulary, of embedding and head together", async () => {
    const base = await model();
    const own = await adapter({ [keyOf(EMBED, "weight")]: NEW, [keyOf("lm_head", "weight")]: NEW });
    const fused = await fusedTensors(base, [own], {}, UNTIED);
    expect(fused[`${EMBED}.weight`]).toEqual({ shape: [3, 2], values: NEW.flat() });
    expect(fused["lm_head.weight"]).toEqual({ shape: [3, 2], values: NEW.flat() });
    expect(fused[`${Q}.weight`]!.values).toEqual([1]);
    const plan = planFusion(base, [own], {}, UNTIED);
    expect(JSON.parse((await fusedConfig(UNTIED, plan))!)).toMatchObject({ vocab_size: 3, tie_word_embeddings: false });
  });

  it("say in the language model's own part of the config how large it is", async () => {
    const config = baseConfig({ text_config: { model_type: "llama", vocab_size: 2, tie_word_embeddings: false } });
    const own = await adapter({ [keyOf(EMBED, "weight")]: NEW, [keyOf("lm_head", "weight")]: NEW });
    const edited = JSON.parse((await fusedConfig(config, planFusion(await model(), [own], {}, config)))!);
    expect(edited).toEqual({
      model_type: "llama",
      text_config: { model_type: "llama", vocab_size: 3, tie_word_embeddings: false },
    });
  });

  it.each([
    [
      { [keyOf(EMBED, "weight")]: NEW },
      UNTIED,
      {},
      /has 3 rows, but lm_head\.weight of base keeps 2.*resize_token_embeddings\(3\)/,
    ],
    [
      { [keyOf(EMBED, "weight")]: NEW, [keyOf("lm_head", "weight")]: NEW },
      UNTIED,
      { "lm_head.bias": [0, 0] },
      /but lm_head\.bias of base keeps 2/,
    ],
    [
      { [keyOf(EMBED, "weight")]: NEW, [keyOf("lm_head", "weight")]: NEW },
      null,
      {},
      /3 rows instead of 2, and base has no config\.json/,
    ],
    [
      { [keyOf("score", "weight")]: NEW },
      UNTIED,
      { "score.weight": OLD },
      /score\.weight of base is F32 \(2, 2\), so it cannot replace it; pass the base model/,
    ],
    [{ [keyOf("score", "weight")]: NEW }, UNTIED, {}, /saved without that head; load it with the class/],
    [{ [keyOf(EMBED, "weight")]: [[1], [2]] }, UNTIED, {}, /cannot replace it/],
  ] as const)("are refused: %j into %j and %j", async (extras, config, more, words) => {
    const own = await adapter(extras);
    const base = await model(more);
    expect(() => planFusion(base, [own], {}, config)).toThrow(words);
    expect(() => planFusion(base, [own], { extras: "drop" }, config)).not.toThrow();
  });

  it("are refused where they are not finite", async () => {
    const own = await adapter({
      [keyOf("lm_head", "weight")]: [
        [1, Number.NaN],
        [2, 3],
      ],
    });
    await expect(fusedTensors(await model(), [own], {}, UNTIED)).rejects.toThrow(
      /base_model\.model\.lm_head\.weight holds values that are NaN, infinite or beyond f32/,
    );
  });

  it("are left out with an adapter of weight 0", async () => {
    const own = await adapter({ [keyOf("lm_head", "weight")]: NEW });
    expect(planFusion(await model(), [own], { weights: [0] }, UNTIED).changed.size).toBe(0);
  });
});

describe("an adapter's copy of the base's embedding (base_layer)", () => {
  const embedding = (rows: number) => [
    encodeTensor(keyOf(EMBED, "lora_embedding_A"), [Array.from({ length: rows }, (_, i) => i + 1)]),
    encodeTensor(keyOf(EMBED, "lora_embedding_B"), [[10], [20]]),
  ];
  const copied = (copy: Nested, rows: number) =>
    openPeft([...embedding(rows), encodeTensor(keyOf(EMBED, "base_layer.weight"), copy)], { r: 1, lora_alpha: 1 });
  const TIED = baseConfig({ tie_word_embeddings: true, vocab_size: 2 });
  const GAINED = [15, 26, 27, 48, 39, 70];

  it("is what the delta is added to, in a vocabulary of its size", async () => {
    const base = await openPicoModel({ [`${EMBED}.weight`]: OLD });
    const fused = await fusedTensors(base, [await copied(NEW, 3)], {}, TIED);
    expect(fused[`${EMBED}.weight`]).toEqual({ shape: [3, 2], values: GAINED });
    expect(fused["lm_head.weight"]).toEqual({ shape: [3, 2], values: NEW.flat() });
  });

  it("counts where it is as large as the base's, as PEFT loads it; among several adapters it is taken for the same", async () => {
    const base = await openPicoModel({ [`${EMBED}.weight`]: OLD, "lm_head.weight": OLD });
    const own = await copied(NEW.slice(0, 2), 2);
    expect((await fusedTensors(base, [own], {}, UNTIED))[`${EMBED}.weight`]!.values).toEqual(GAINED.slice(0, 4));
    const both = await fusedTensors(base, [own, own], { weights: [1, 1] }, UNTIED);
    expect(both[`${EMBED}.weight`]!.values).toEqual([21, 42, 43, 84]);
  });

  it("of another size is refused beside a head of the old one, and from two adapters", async () => {
    const own = await copied(NEW, 3);
    await expect((async () => planFusion(await model(), [own], {}, UNTIED))()).rejects.toThrow(
      /lm_head\.weight of base keeps 2/,
    );
    const other = await copied(NEW, 3);
    await expect((async () => planFusion(await model(), [own, other], {}, UNTIED))()).rejects.toThrow(
      /would replace .* and so would .* of another adapter; fuse one adapter after the other/,
    );
  });
});

describe("biases beside B (lora_bias)", () => {
  const biased = (more: object = {}, bias: Nested = [1, 2]) =>
    openPeft(
      [
        encodeTensor(keyOf(Q, "lora_A.weight"), [[1]]),
        encodeTensor(keyOf(Q, "lora_B.weight"), [[1], [1]]),
        encodeTensor(keyOf(Q, "lora_B.bias"), bias),
      ],
      { r: 1, lora_alpha: 3, lora_bias: true, ...more },
    );

  it("are added to the layer's own bias, times the scale", async () => {
    const base = await openPicoModel({ [`${Q}.weight`]: [[0], [0]], [`${Q}.bias`]: [10, 20] });
    const fused = await fusedTensors(base, [await biased()], { weights: [0.5] });
    expect(fused[`${Q}.bias`]!.values).toEqual([11.5, 23]);
    expect(fused[`${Q}.weight`]!.values).toEqual([1.5, 1.5]);
  });

  it("are refused where the layer has none, or has another size", async () => {
    const bare = await openPicoModel({ [`${Q}.weight`]: [[0], [0]] });
    const own = await biased();
    expect(() => planFusion(bare, [own], {})).toThrow(/base has no tensor model\.q\.bias/);
    const base = await openPicoModel({ [`${Q}.weight`]: [[0], [0]], [`${Q}.bias`]: [10, 20] });
    const odd = await biased({}, [1, 2, 3]);
    expect(() => planFusion(base, [odd], {})).toThrow(/must have a number for every output/);
  });
});

describe("trained rows of embeddings (trainable_token_indices)", () => {
  const rows = (indices: object, module = EMBED, values: Nested = [[70, 80]]) =>
    openPeft(
      [
        encodeTensor(keyOf(Q, "lora_A.weight"), [[0]]),
        encodeTensor(keyOf(Q, "lora_B.weight"), [[0]]),
        encodeTensor(keyOf(module, "token_adapter.trainable_tokens_delta"), values),
      ],
      { r: 1, lora_alpha: 1, trainable_token_indices: indices },
    );
  const TIED = baseConfig({ tie_word_embeddings: true });
  const tied = () => openPicoModel({ [`${Q}.weight`]: [[1]], [`${EMBED}.weight`]: OLD });

  it("take the places of the base's", async () => {
    const fused = await fusedTensors(await model(), [await rows({ embed_tokens: [1] })], {}, UNTIED);
    expect(fused[`${EMBED}.weight`]!.values).toEqual([1, 2, 70, 80]);
    expect(fused["lm_head.weight"]!.values).toEqual(OLD.flat());
  });

  it("are a tied head's too, unless they are the head's own", async () => {
    const fused = await fusedTensors(await tied(), [await rows({ embed_tokens: [0] })], {}, TIED);
    expect(fused[`${EMBED}.weight`]!.values).toEqual([70, 80, 3, 4]);
    expect(Object.keys(fused)).not.toContain("lm_head.weight");
    const head = await fusedTensors(await tied(), [await rows({ lm_head: [0] }, "lm_head")], {}, TIED);
    expect(head[`${EMBED}.weight`]!.values).toEqual(OLD.flat());
    expect(head["lm_head.weight"]!.values).toEqual([70, 80, 3, 4]);
  });

  it.each([
    [
      { embed_tokens: [2] },
      [[70, 80]],
      {},
      /row of token 2, but model\.embed_tokens\.weight has 2 rows; resize the base/,
    ],
    [{ embed_tokens: [1] }, [[7, 8, 9]], {}, /must have 1 rows of model\.embed_tokens\.weight, which is \(2, 2\)/],
    [
      { embed_tokens: [1, 1] },
      [
        [7, 8],
        [7, 8],
      ],
      {},
      /two rows for token 1/,
    ],
    [{ embed_tokens: [1] }, [[7, 8]], { weights: [0.5] }, /cannot be scaled/],
  ] as const)("are refused: %j of %j with %j", async (indices, values, recipe, words) => {
    const own = await rows(indices, EMBED, values as unknown as Nested);
    const base = await model();
    expect(() => planFusion(base, [own], recipe as never, UNTIED)).toThrow(words);
  });

  it("of two adapters stand beside each other, but not for one token", async () => {
    const [one, other] = [await rows({ embed_tokens: [0] }), await rows({ embed_tokens: [1] })];
    const fused = await fusedTensors(await model(), [one, other], {}, UNTIED);
    expect(fused[`${EMBED}.weight`]!.values).toEqual([70, 80, 70, 80]);
    const base = await model();
    expect(() => planFusion(base, [one, one], {}, UNTIED)).toThrow(/two rows for token 0/);
  });
});
