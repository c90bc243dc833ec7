import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { type ConsumerId, consumerById } from "../../src/adapter/consumers.ts";
import { vllmLoraSupport } from "../../src/adapter/vllm-architectures.ts";
import { type BaseFacts, configFacts, ggufFacts, modelFacts } from "../../src/analysis/base-facts.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import type { GgufTensor } from "../../src/formats/gguf/header.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { openPicoModel } from "../support/models.ts";
import { type Nested, openPico, type RandomShape, randomAdapter } from "../support/pico.ts";

const LAYER = "model.layers.0.self_attn";
const zeros = (rows: number, columns: number): number[][] => Array(rows).fill(Array(columns).fill(0));
const adapterOf = (modules: RandomShape["modules"], more: Partial<RandomShape> = {}): Promise<Adapter> =>
  openPico("mine", randomAdapter(1, { rank: 2, ...(modules && { modules }), ...more }));
const attention = (prefix = "model."): Promise<Adapter> =>
  adapterOf({
    [`${prefix}layers.0.self_attn.q_proj`]: { in: 6, out: 8 },
    [`${prefix}layers.0.self_attn.v_proj`]: { in: 6, out: 4 },
  });
const weights = (prefix = "model.") => ({
  [`${prefix}layers.0.self_attn.q_proj.weight`]: zeros(8, 6),
  [`${prefix}layers.0.self_attn.v_proj.weight`]: zeros(4, 6),
  [`${prefix}embed_tokens.weight`]: zeros(10, 6),
});
const config = (fields: object) => parseModelConfig(JSON.stringify({ model_type: "llama", ...fields }), "config.json");
const modelOf = async (tensors: Readonly<Record<string, Nested>>, fields: object | null = null) =>
  modelFacts(await openPicoModel(tensors), fields === null ? null : config(fields));

function found(adapter: Adapter, consumer: ConsumerId, base: BaseFacts): [string, string][] {
  const { findings } = checkOpened(adapter, consumerById(consumer), base);
  return findings.filter(({ level }) => level !== "note").map(({ level, text }) => [level, text]);
}
const unseen = (adapter: Adapter, consumer: ConsumerId, base: BaseFacts): readonly string[] =>
  checkOpened(adapter, consumerById(consumer), base).unseen;

describe("check of experts against a base model", () => {
  const EXPERTS = "model.layers.0.mlp.experts";
  /** Two experts, 6 -> 4 (gate and up) and 2 -> 6, and gpt-oss's bias of gate and up. */
  const parameters = () => {
    const { modules } = randomAdapter(1, {
      modules: {
        [`${EXPERTS}.base_layer.base_layer`]: { in: 6, out: 4, rank: 4 },
        [`${EXPERTS}.base_layer`]: { in: 4, out: 2, rank: 2 },
        [EXPERTS]: { in: 2, out: 6, rank: 4 },
      },
    });
    const names = ["gate_up_proj", "gate_up_proj_bias", "down_proj"];
    return openPico("mine", { modules, config: { r: 2, target_parameters: names.map((name) => `experts.${name}`) } });
  };
  const cube = (experts: number, rows: number, columns: number): Nested => Array(experts).fill(zeros(rows, columns));
  const biased = { [`${EXPERTS}.gate_up_proj_bias`]: zeros(2, 4) };
  const apart = Object.fromEntries(
    [0, 1].flatMap((e) => [
      [`${EXPERTS}.${e}.gate_proj.weight`, zeros(2, 6)],
      [`${EXPERTS}.${e}.up_proj.weight`, zeros(2, 6)],
      [`${EXPERTS}.${e}.down_proj.weight`, zeros(6, 2)],
    ]),
  );

  it.each<[string, Readonly<Record<string, Nested>>]>([
    ["stacks them", { [`${EXPERTS}.gate_up_proj`]: cube(2, 4, 6), [`${EXPERTS}.down_proj`]: cube(2, 6, 2) }],
    ["stacks them transposed", { [`${EXPERTS}.gate_up_proj`]: cube(2, 6, 4), [`${EXPERTS}.down_proj`]: cube(2, 2, 6) }],
    ["has each apart", apart],
  ])("finds parameters where it %s", async (_, tensors) => {
    expect(found(await parameters(), "peft", await modelOf({ ...tensors, ...biased }))).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, Nested>>]>([
    ["in another size", { [`${EXPERTS}.gate_up_proj`]: cube(2, 8, 6), [`${EXPERTS}.down_proj`]: cube(2, 6, 4) }],
    ["fewer", { [`${EXPERTS}.gate_up_proj`]: cube(1, 4, 6), [`${EXPERTS}.down_proj`]: cube(1, 6, 2) }],
    ["apart in another size", { ...apart, [`${EXPERTS}.0.gate_proj.weight`]: zeros(4, 6) }],
  ])("tells where the base has them %s", async (_, tensors) => {
    expect(found(await parameters(), "peft", await modelOf({ ...tensors, ...biased }))).toHaveLength(1);
  });
});

describe("check against a base model", () => {
  it("finds an adapter whose modules and sizes are the base's good, and has nothing left to look at in PEFT", async () => {
    const base = await modelOf(weights(), { tie_word_embeddings: false });
    expect(checkOpened(await attention(), consumerById("peft"), base)).toEqual({
      findings: [],
      unseen: [],
      undecided: null,
    });
  });

  it("says that an adapter of which nothing would load serves the bare base", async () => {
    const base = await modelOf(weights("other."));
    for (const consumer of ["vllm", "peft", "sglang", "tgi"] as const) {
      expect(found(await attention(), consumer, base)).toContainEqual([
        "fails",
        expect.stringMatching(
          /none of its 2 modules is in base \(the adapter has model\.layers\.0\.self_attn\.q_proj, the base other\..*q_proj\).*silently serve the bare base/,
        ),
      ]);
    }
  });

  it("finds nothing of a PEFT adapter whose modules have llama.cpp's names, which PEFT does not translate", async () => {
    const adapter = await adapterOf({ "blk.0.attn_q": { in: 6, out: 8 }, "blk.0.attn_v": { in: 6, out: 4 } });
    const base = await modelOf(weights(), { num_attention_heads: 2, num_key_value_heads: 1 });
    expect(found(adapter, "peft", base)).toContainEqual([
      "fails",
      expect.stringMatching(/none of its 2 modules is in base \(the adapter has blk\.0\.attn_q/),
    ]);
  });

  it("names modules that are not there, and what becomes of the adapter then", async () => {
    const adapter = await adapterOf({
      [`${LAYER}.q_proj`]: { in: 6, out: 8 },
      [`${LAYER}.o_proj`]: { in: 8, out: 6 },
    });
    const base = await modelOf(weights(), {});
    expect(found(adapter, "peft", base)).toEqual([
      ["differs", expect.stringMatching(/1 of its 2 modules are not in base \(such as .*o_proj\)/)],
    ]);
    expect(found(adapter, "mlx", base)).toContainEqual([
      "fails",
      expect.stringMatching(/1 of its 2 modules.*mlx-lm refuses such adapters/),
    ]);
  });

  it("names a module of another size", async () => {
    const base = await modelOf({ ...weights(), [`${LAYER}.q_proj.weight`]: zeros(9, 6) });
    expect(found(await attention(), "peft", base)).toEqual([
      [
        "fails",
        expect.stringMatching(/q_proj has a delta of \(8, 6\), but .*q_proj of base is \(9, 6\); pass the base/),
      ],
    ]);
  });

  it("finds layers that are stored as (in, out), and names with a prefix more or less", async () => {
    const adapter = await adapterOf({ "transformer.h.0.attn.c_attn": { in: 6, out: 18 } });
    const base = await modelOf({ "h.0.attn.c_attn.weight": zeros(6, 18) });
    expect(checkOpened(adapter, consumerById("peft"), base)).toEqual({ findings: [], unseen: [], undecided: null });
  });

  it("finds names of another release of transformers, and does not claim that a program knows them", async () => {
    const base = await modelOf(weights("model.language_model."), {});
    expect(found(await attention(), "peft", base)).toEqual([]);
    expect(unseen(await attention(), "peft", base)).toEqual([
      expect.stringMatching(/PEFT 0\.21\.2 knows its names: .*here, model\.language_model\.layers\.0.*there/),
    ]);
  });

  it.each(["", "model.", "language_model.", "model.language_model.", "transformer."])(
    "finds modules without a prefix in a base that has them under %j, and the other way round",
    async (prefix) => {
      const bare = await modelOf(weights(""), {});
      const wrapped = await modelOf(weights(prefix), {});
      expect(found(await attention(""), "peft", wrapped)).toEqual([]);
      expect(found(await attention(prefix), "peft", bare)).toEqual([]);
      expect(found(await attention(""), "peft", await modelOf(weights(`${prefix}other.`), {}))).not.toEqual([]);
    },
  );

  it("does not choose between two weights that a name may mean, as fuse does not", async () => {
    const base = await modelOf({ ...weights("model."), ...weights("language_model.") }, {});
    const adapter = await attention("");
    expect(found(adapter, "peft", base)).toEqual([]);
    expect(unseen(adapter, "peft", base)).toEqual([
      "the sizes of layers.0.self_attn.q_proj, which may be model.layers.0.self_attn.q_proj or language_model.layers.0.self_attn.q_proj in base (fuse refuses this)",
    ]);
  });

  it("finds single experts in a base that stacks them, as many as there are", async () => {
    const adapter = (last: number) =>
      adapterOf(
        Object.fromEntries(
          [0, last].flatMap((i) => [
            [`model.layers.0.mlp.experts.${i}.gate_proj`, { in: 6, out: 5 }],
            [`model.layers.0.mlp.experts.${i}.up_proj`, { in: 6, out: 5 }],
            [`model.layers.0.mlp.experts.${i}.down_proj`, { in: 5, out: 6 }],
          ]),
        ),
      );
    const stack = (count: number, rows: number, columns: number) => Array(count).fill(zeros(rows, columns));
    const base = await modelOf({
      "model.layers.0.mlp.experts.gate_up_proj": stack(3, 10, 6),
      "model.layers.0.mlp.experts.down_proj": stack(3, 6, 5),
    });
    expect(found(await adapter(2), "peft", base)).toEqual([]);
    expect(found(await adapter(3), "peft", base)).toEqual([
      ["differs", expect.stringMatching(/3 of its 6 modules .*experts\.3\./)],
    ]);
  });

  it.each([
    ["GPT2LMHeadModel", "none"],
    ["BloomForCausalLM", "none"],
    ["BertForMaskedLM", "none"],
    ["FalconForCausalLM", "none"],
    ["LlamaForCausalLM", "both"],
    ["Qwen2ForCausalLM", "linear"],
    ["PhiForCausalLM", "embedding"],
    ["Qwen2VLForConditionalGeneration", "unknown"],
    ["NeverHeardOfForCausalLM", null],
  ])("knows what of %s takes LoRA in vLLM: %s", (architecture, support) => {
    expect(vllmLoraSupport(architecture)).toBe(support);
  });

  it("says which architectures take no LoRA in vLLM, on which layers, and of which it does not know", async () => {
    const base = (architecture: string) => configFacts("config.json", config({ architectures: [architecture] }));
    expect(found(await attention(), "vllm", base("GPT2LMHeadModel"))).toEqual([
      ["fails", expect.stringMatching(/vLLM 0\.33\.0 takes no LoRA for GPT2LMHeadModel .*fuse/)],
    ]);
    const head = await adapterOf({ lm_head: { in: 6, out: 10 } });
    expect(found(head, "vllm", base("Qwen2ForCausalLM"))).toEqual([
      ["fails", expect.stringMatching(/takes no LoRA on lm_head of Qwen2ForCausalLM/)],
    ]);
    expect(found(head, "vllm", base("PhiForCausalLM"))).toEqual([["fails", expect.stringMatching(/on lm_head of/)]]);
    const words = await adapterOf({ "model.embed_tokens": { in: 10, out: 6, kind: "embedding" } });
    expect(found(words, "vllm", base("PhiForCausalLM"))).toEqual([]);
    expect(unseen(await attention(), "vllm", base("NeverHeardOfForCausalLM"))).toContainEqual(
      expect.stringContaining("takes LoRA for NeverHeardOfForCausalLM"),
    );
    expect(unseen(await attention(), "sglang", base("LlamaForCausalLM"))).toContainEqual(
      expect.stringContaining("SGLang 0.5.23 takes LoRA for the architecture"),
    );
  });

  it.each([
    [{ num_hidden_layers: 1 }, /model\.layers\.1\..* is in layer 1, but config\.json has 1 layers/],
    [{ hidden_size: 7 }, /q_proj has width 6, but config\.json has hidden size 7/],
    [{ vocab_size: 9 }, /embed_tokens has 10 tokens, but config\.json has vocab_size 9/],
  ])("compares with a config alone: %j", async (fields, words) => {
    const adapter = await adapterOf({
      [`${LAYER}.q_proj`]: { in: 6, out: 8 },
      "model.layers.1.self_attn.q_proj": { in: 6, out: 8 },
      "model.vision_tower.layers.7.self_attn.q_proj": { in: 3, out: 3 },
      "model.embed_tokens": { in: 10, out: 6, kind: "embedding" },
    });
    const right = { num_hidden_layers: 2, hidden_size: 6, vocab_size: 10, tie_word_embeddings: false };
    expect(found(adapter, "peft", configFacts("config.json", config(right)))).toEqual([]);
    const wrong = configFacts("config.json", config({ ...right, ...fields }));
    expect(found(adapter, "peft", wrong)).toEqual([["fails", expect.stringMatching(words)]]);
    expect(unseen(adapter, "peft", wrong)).toEqual([
      expect.stringContaining("a config alone does not show this; pass --base"),
    ]);
  });

  it("says what a change of a tied embedding comes to", async () => {
    const tied = configFacts("config.json", config({ tie_word_embeddings: true }));
    const untied = configFacts("config.json", config({}));
    const words = await adapterOf({ "model.embed_tokens": { in: 10, out: 6, kind: "embedding" } });
    const head = await adapterOf({ lm_head: { in: 6, out: 10 } });
    const level = (adapter: Adapter, consumer: ConsumerId, base: BaseFacts) =>
      found(adapter, consumer, base)
        .filter(([, text]) => text.includes("ties head"))
        .map(([each]) => each);
    expect(level(words, "llamacpp", tied)).toEqual(["fails"]);
    expect(level(head, "llamacpp", tied)).toEqual(["fails"]);
    expect(level(words, "mlx", tied)).toEqual(["differs"]);
    expect(level(head, "mlx", tied)).toEqual(["fails"]);
    expect(level(head, "peft", tied)).toEqual([]);
    for (const adapter of [words, head]) expect(level(adapter, "llamacpp", untied)).toEqual([]);
    expect(unseen(head, "vllm", tied)).toContainEqual(expect.stringContaining("ties head and embedding"));
    expect(unseen(head, "peft", await modelOf(weights()))).toContainEqual(expect.stringContaining("whether base ties"));
    const headed = { ...weights(), "lm_head.weight": zeros(10, 6) };
    for (const adapter of [words, head]) {
      const base = await modelOf(headed);
      expect(unseen(adapter, "llamacpp", base).filter((text) => text.includes("ties"))).toEqual([]);
      expect(level(adapter, "llamacpp", await modelOf(headed, { tie_word_embeddings: true }))).toEqual(["fails"]);
    }
  });

  it.each(["llamacpp", "mlx"] as const)("says that tying was not looked at without a base for %s", async (id) => {
    const told = async (modules: Parameters<typeof adapterOf>[0]) =>
      checkOpened(await adapterOf(modules), consumerById(id)).unseen;
    const tying = expect.stringMatching(/^whether the base model ties its head to its embedding/);
    expect(await told({ lm_head: { in: 6, out: 10 } })).toContainEqual(tying);
    expect(await told({ "model.embed_tokens": { in: 10, out: 6, kind: "embedding" } })).toContainEqual(tying);
    expect(await told({ "model.layers.0.self_attn.q_proj": { in: 6, out: 6 } })).not.toContainEqual(tying);
  });

  it("finds a head of another vocabulary", async () => {
    const adapter = await adapterOf(
      { [`${LAYER}.q_proj`]: { in: 6, out: 8 } },
      { extras: { "base_model.model.model.embed_tokens.weight": zeros(12, 6) } },
    );
    expect(found(adapter, "peft", await modelOf(weights(), {}))).toEqual([
      ["fails", expect.stringMatching(/its own model\.embed_tokens is \(12, 6\), but .* \(10, 6\); resize/)],
    ]);
    const alone = configFacts("config.json", config({ vocab_size: 10 }));
    expect(found(adapter, "peft", alone)).toEqual([["fails", expect.stringMatching(/has 12 tokens, .*vocab_size 10/)]]);
  });

  it.each(["model.embed_tokens", "tok_embeddings", "gpt_neox.embed_in", "transformer.word_embeddings", "shared"])(
    "knows %s for an embedding wherever it matters",
    async (name) => {
      const words = await adapterOf({ [name]: { in: 10, out: 6, kind: "embedding" } });
      const tied = configFacts("config.json", config({ tie_word_embeddings: true }));
      expect(found(words, "mlx", tied)).toContainEqual(["differs", expect.stringContaining("ties head and embedding")]);
      const own = await adapterOf(
        { [`${LAYER}.q_proj`]: { in: 6, out: 8 } },
        { extras: { [`base_model.model.${name}.weight`]: zeros(12, 6) } },
      );
      const sized = configFacts("config.json", config({ vocab_size: 10 }));
      expect(found(own, "peft", sized)).toEqual([["fails", expect.stringMatching(/has 12 tokens, .*vocab_size 10/)]]);
    },
  );

  it.each(["lm_head", "embed_out", "output", "transformer.output_layer"])("knows %s for a head", async (name) => {
    const head = await adapterOf({ [name]: { in: 6, out: 12 } });
    const base = (tied: boolean) =>
      configFacts(
        "config.json",
        config({ vocab_size: 10, tie_word_embeddings: tied, architectures: ["GemmaForCausalLM"] }),
      );
    expect(found(head, "mlx", base(true))).toContainEqual(["fails", expect.stringContaining(`has no ${name};`)]);
    expect(found(head, "peft", base(false))).toEqual([
      ["fails", expect.stringMatching(/has 12 tokens, .*vocab_size 10/)],
    ]);
    expect(found(head, "vllm", base(false))).toContainEqual([
      "fails",
      expect.stringContaining(`no LoRA on ${name} of`),
    ]);
  });

  it("does not take a table of positions for the vocabulary", async () => {
    const adapter = await adapterOf({ "transformer.wpe": { in: 4, out: 6, kind: "embedding" } });
    const base = configFacts("config.json", config({ model_type: "gpt2", vocab_size: 10 }));
    expect(found(adapter, "peft", base)).toEqual([]);
  });

  it("does not claim to have looked for modules of image models", async () => {
    const adapter = await adapterOf({ "unet.conv_in": { in: 6, out: 8, kind: "conv" } });
    const base = await modelOf(weights());
    for (const consumer of ["peft", "diffusers"] as const) {
      const told = unseen(adapter, consumer, base);
      expect(told).toContainEqual(expect.stringContaining("modules of image models are not compared with a base"));
      expect(found(adapter, consumer, base).filter(([, text]) => text.includes("in base"))).toEqual([]);
    }
  });

  it("reads the names of a GGUF model by its family", async () => {
    const tensor = (shape: number[]) => ({ shape }) as unknown as GgufTensor;
    const gguf = (architecture: string) =>
      ggufFacts("base.gguf", {
        version: 3,
        metadata: new Map([["general.architecture", architecture]]),
        tensors: new Map([
          ["token_embd.weight", tensor([10, 6])],
          ["blk.0.attn_q.weight", tensor([8, 6])],
          ["blk.0.attn_v.weight", tensor([5, 6])],
        ]),
      });
    expect(found(await attention(), "llamacpp", gguf("qwen2")).slice(0, 1)).toEqual([
      ["fails", expect.stringMatching(/v_proj has a delta of \(4, 6\), but blk\.0\.attn_v of base\.gguf is \(5, 6\)/)],
    ]);
    expect(unseen(await attention(), "llamacpp", gguf("unheard"))).toContainEqual(
      expect.stringContaining("lora-lego cannot translate its family's names to the other format"),
    );
    const head = await adapterOf({ lm_head: { in: 6, out: 10 } });
    expect(found(head, "llamacpp", gguf("qwen2")).slice(0, 1)).toEqual([
      ["fails", expect.stringMatching(/changes lm_head, but base\.gguf ties head and embedding/)],
    ]);
  });
});
