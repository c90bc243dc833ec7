import { describe, expect, it } from "vitest";
import { openModel } from "../../src/fuse/base-model.ts";
import { fusedConfig, fusedIndex, layoutShard } from "../../src/fuse/output-model.ts";
import { planFusion } from "../../src/fuse/plan-fusion.ts";
import { baseConfig, fusedTensors } from "../support/fusing.ts";
import { keyOf, memoryFolder } from "../support/memory-folder.ts";
import { modelFiles, openPicoModel } from "../support/models.ts";
import { openPico, type PicoAdapter } from "../support/pico.ts";

const EMBED = "model.embed_tokens";
const OLD = [
  [1, 2],
  [3, 4],
  [5, 6],
];
const TIED = baseConfig({ tie_word_embeddings: true, vocab_size: 3 });
const base = () => openPicoModel({ [`${EMBED}.weight`]: OLD, "model.q.weight": [[1]] });
/** (A, B) of an embedding: row v gains A[v] B = (v + 1) (10, 20). */
const embedding = { kind: "embedding", A: [[1, 2, 3]], B: [[10], [20]] } as const;
const GAINED = [11, 22, 23, 44, 35, 66];
const tensorsOf = async (adapter: PicoAdapter, config = TIED) =>
  fusedTensors(await base(), [await openPico("mine", adapter)], {}, config);

describe("fuse into a base whose head is its embedding", () => {
  it("gives the head the old embedding where an adapter changes the embedding alone", async () => {
    const fused = await tensorsOf({ modules: { [EMBED]: embedding } });
    expect(fused[`${EMBED}.weight`]).toEqual({ shape: [3, 2], values: GAINED });
    expect(fused["lm_head.weight"]).toEqual({ shape: [3, 2], values: OLD.flat() });
    expect(fused["model.q.weight"]!.values).toEqual([1]);
  });

  it("keeps them one where the adapter ties its weights (ensure_weight_tying)", async () => {
    const config = { ensure_weight_tying: true };
    for (const adapter of [
      { modules: { [EMBED]: embedding }, config },
      { modules: { "model.q": { A: [[0]], B: [[0]] } }, config, extras: { [keyOf(EMBED, "weight")]: grid(GAINED) } },
    ]) {
      const fused = await tensorsOf(adapter);
      expect(fused[`${EMBED}.weight`]!.values).toEqual(GAINED);
      expect(Object.keys(fused)).not.toContain("lm_head.weight");
      const plan = planFusion(await base(), [await openPico("mine", adapter)], {}, TIED);
      expect([plan.untied, await fusedConfig(TIED, plan)]).toEqual([false, null]);
    }
  });

  it("adds a head's delta to the old embedding", async () => {
    const fused = await tensorsOf({ modules: { lm_head: { A: [[1, 0]], B: [[1], [2], [3]] } } });
    expect(fused[`${EMBED}.weight`]!.values).toEqual(OLD.flat());
    expect(fused["lm_head.weight"]!.values).toEqual([2, 2, 5, 4, 8, 6]);
  });

  it("changes both by their own deltas, and by tensors that were trained whole", async () => {
    const both = await tensorsOf({ modules: { [EMBED]: embedding, lm_head: { A: [[1, 0]], B: [[1], [2], [3]] } } });
    expect(both[`${EMBED}.weight`]!.values).toEqual(GAINED);
    expect(both["lm_head.weight"]!.values).toEqual([2, 2, 5, 4, 8, 6]);
    const modules = { "model.q": { A: [[0]], B: [[0]] } };
    const head = [9, 8, 7, 6, 5, 4];
    const whole = await tensorsOf({ modules, extras: { [keyOf("lm_head", "weight")]: grid(head) } });
    expect(whole[`${EMBED}.weight`]!.values).toEqual(OLD.flat());
    expect(whole["lm_head.weight"]!.values).toEqual(head);
    const own = await tensorsOf({ modules, extras: { [keyOf(EMBED, "weight")]: grid(head) } });
    expect([own[`${EMBED}.weight`]!.values, own["lm_head.weight"]!.values]).toEqual([head, OLD.flat()]);
  });

  it("writes a head that the base holds beside its embedding, too", async () => {
    const stored = await openPicoModel({ [`${EMBED}.weight`]: OLD, "lm_head.weight": OLD });
    const tying = await openPico("mine", { modules: { [EMBED]: embedding }, config: { ensure_weight_tying: true } });
    expect((await fusedTensors(stored, [tying], {}, TIED))["lm_head.weight"]!.values).toEqual(GAINED);
    const plain = await openPico("mine", { modules: { [EMBED]: embedding } });
    expect((await fusedTensors(stored, [plain], {}, TIED))["lm_head.weight"]!.values).toEqual(OLD.flat());
  });

  it.each([
    ["model.language_model.embed_tokens", "lm_head"],
    ["language_model.model.embed_tokens", "language_model.lm_head"],
    ["transformer.wte", "lm_head"],
    ["model.decoder.embed_tokens", "lm_head"],
  ])("knows the head beside %s", async (embed, head) => {
    const model = await openPicoModel({ [`${embed}.weight`]: OLD });
    const adapter = await openPico("mine", { modules: { [embed]: embedding } });
    const fused = await fusedTensors(model, [adapter], {}, TIED);
    expect(Object.keys(fused).sort()).toEqual([`${embed}.weight`, `${head}.weight`].sort());
  });

  it.each([
    ["wte", {}],
    ["model.embed_tokens", { is_encoder_decoder: true }],
  ])("refuses to part %s of %j from its head, which it does not know", async (embed, fields) => {
    const model = await openPicoModel({ [`${embed}.weight`]: OLD });
    const config = baseConfig({ tie_word_embeddings: true, ...fields });
    const adapter = await openPico("mine", { modules: { [embed]: embedding } });
    expect(() => planFusion(model, [adapter], {}, config)).toThrow(/one tensor there.*untie it first/);
    const head = await openPico("mine", { modules: { lm_head: { A: [[1, 0]], B: [[1], [2], [3]] } } });
    expect(() => planFusion(model, [head], {}, config)).toThrow(/one tensor there.*untie it first/);
    const tying = await openPico("mine", { modules: { [embed]: embedding }, config: { ensure_weight_tying: true } });
    expect([...planFusion(model, [tying], {}, config).changed.keys()]).toEqual([`${embed}.weight`]);
  });

  it("is refused without a config.json, which says whether they are one", async () => {
    const adapter = await openPico("mine", { modules: { [EMBED]: embedding } });
    const bare = await base();
    expect(() => planFusion(bare, [adapter], {})).toThrow(/has no config\.json, which says whether it is the head too/);
    const headed = await openPicoModel({ [`${EMBED}.weight`]: OLD, "lm_head.weight": OLD });
    expect([...planFusion(headed, [adapter], {}).changed.keys()]).toEqual([`${EMBED}.weight`]);
  });

  it("does nothing of the kind where the base is not tied, or has no head", async () => {
    const adapter: PicoAdapter = { modules: { [EMBED]: embedding } };
    for (const config of [
      baseConfig({ tie_word_embeddings: false }),
      baseConfig({ tie_word_embeddings: true, architectures: ["LlamaForSequenceClassification"] }),
    ]) {
      expect(Object.keys(await tensorsOf(adapter, config)).sort()).toEqual([`${EMBED}.weight`, "model.q.weight"]);
    }
    const head = { modules: { lm_head: { A: [[1, 0]], B: [[1], [2], [3]] } } };
    await expect(tensorsOf(head, baseConfig({ tie_word_embeddings: false }))).rejects.toThrow(
      /no tensor lm_head\.weight/,
    );
  });
});

describe("the files of an untied model", () => {
  const parts = [{ [`${EMBED}.weight`]: OLD }, { "model.q.weight": [[1]] }];
  const fusion = async () => {
    const model = await openModel(memoryFolder("base", modelFiles(parts)));
    const adapter = await openPico("mine", { modules: { [EMBED]: embedding } });
    const plan = planFusion(model, [adapter], {}, TIED);
    return { model, plan, layouts: await Promise.all(model.shards.map((_, i) => layoutShard(model, plan, i))) };
  };

  it("hold the head in the embedding's shard, name it in the index and leave other shards as they are", async () => {
    const { model, layouts } = await fusion();
    expect(layouts.map(({ tensors }) => [...tensors.keys()])).toEqual([
      ["lm_head.weight", `${EMBED}.weight`],
      ["model.q.weight"],
    ]);
    const before = { metadata: { total_size: 28, total_parameters: 7, note: "kept" }, weight_map: {} };
    const text = fusedIndex(JSON.stringify(before), model, layouts)!;
    expect(JSON.parse(text)).toEqual({
      metadata: { total_size: 52, total_parameters: 13, note: "kept" },
      weight_map: {
        "lm_head.weight": "model-00001-of-00002.safetensors",
        [`${EMBED}.weight`]: "model-00001-of-00002.safetensors",
        "model.q.weight": "model-00002-of-00002.safetensors",
      },
    });
  });

  it("say so in config.json, whose other text stays", async () => {
    const { plan } = await fusion();
    const text = '{\n  "eps": 1e-06,\n  "text_config": {"scale": 1.0},\n  "tie_word_embeddings": true\n}\n';
    const config = { ...TIED, text };
    const edited = (await fusedConfig(config, plan))!;
    expect(JSON.parse(edited)).toEqual({
      eps: 1e-6,
      text_config: { scale: 1, tie_word_embeddings: false },
      tie_word_embeddings: false,
    });
    for (const kept of ['"eps": 1e-06', '"scale": 1.0']) expect(edited).toContain(kept);
  });
});

function grid(values: readonly number[]): number[][] {
  return Array.from({ length: values.length / 2 }, (_, i) => values.slice(2 * i, 2 * i + 2));
}
