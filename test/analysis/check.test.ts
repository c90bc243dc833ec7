import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { type ConsumerId, consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { UsageError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { linear, memoryFolder } from "../support/memory-folder.ts";
import { openPico, type RandomShape, randomAdapter } from "../support/pico.ts";

const layer = (i: number, name = "q_proj"): string => `model.layers.${i}.self_attn.${name}`;
const SIZE = { in: 4, out: 4 };

const adapterOf = (shape: RandomShape): Promise<Adapter> => openPico("mine", randomAdapter(1, shape));

const plain = (rank: number, more: Partial<RandomShape> = {}): Promise<Adapter> =>
  adapterOf({ rank, modules: { [layer(0)]: SIZE, [layer(1)]: SIZE }, ...more });

/** An adapter of one block's attention layers. */
const attention = (letters: readonly string[], config: Record<string, unknown> = {}): Promise<Adapter> =>
  adapterOf({ rank: 4, config, modules: Object.fromEntries(letters.map((each) => [layer(0, `${each}_proj`), SIZE])) });

/** Level and text of every finding. */
function found(adapter: Adapter, consumer: ConsumerId): [string, string][] {
  return checkOpened(adapter, consumerById(consumer)).findings.map(({ level, text }) => [level, text]);
}

describe("check", () => {
  it("finds nothing in the way of a plain PEFT adapter of a padded rank", async () => {
    const adapter = await plain(8);
    for (const consumer of ["peft", "tgi"] as const) expect(found(adapter, consumer)).toEqual([]);
    expect(found(adapter, "vllm")).toEqual([["note", expect.stringContaining("--max-lora-rank 8 ")]]);
  });

  it.each([
    [1, 1],
    [9, 16],
    [17, 32],
    [300, 320],
  ])("says what vLLM must be started with for rank %s: %s", async (rank, offered) => {
    expect(found(await plain(rank), "vllm")).toEqual([
      ["note", expect.stringContaining(`--max-lora-rank ${offered} `)],
    ]);
  });

  it("finds ranks beyond what a consumer takes", async () => {
    expect(found(await plain(513), "vllm")).toEqual([
      ["fails", expect.stringMatching(/rank 512 at most.*cut it to rank 512/)],
    ]);
    expect(found(await plain(6), "tgi")).toEqual([["differs", expect.stringMatching(/pads rank 6 .*write rank 8\./)]]);
  });

  it("finds patterns where they are not read", async () => {
    const config = { alpha_pattern: { "layers.1.self_attn.q_proj": 4 } };
    const adapter = await plain(8, { config: { r: 8, lora_alpha: 8, ...config } });
    expect(found(adapter, "peft")).toEqual([]);
    expect(found(adapter, "vllm")).toEqual([
      ["note", expect.stringContaining("--max-lora-rank 8")],
      ["note", expect.stringMatching(/releases of vLLM before 0\.33\.0 may ignore/)],
    ]);
    expect(found(adapter, "tgi")).toEqual([
      [
        "differs",
        expect.stringMatching(
          /one lora_alpha \/ r for all modules \(1\), but .*layers\.1.* has scale 0\.5; fold the scales in\./,
        ),
      ],
    ]);
  });

  it("takes the stated scale for what readers without patterns apply", async () => {
    // Both modules are named by the pattern, so they agree with each other but not with lora_alpha / r.
    const adapter = await plain(8, { config: { r: 8, lora_alpha: 8, alpha_pattern: { q_proj: 16 } } });
    expect(found(adapter, "tgi")).toContainEqual(["differs", expect.stringContaining("has scale 2")]);
  });

  it("lets ranks and scales differ in vLLM, but not in TGI", async () => {
    const modules = { [layer(0)]: { ...SIZE, rank: 8 }, [layer(1)]: { ...SIZE, rank: 16 } };
    const patterns = { rank_pattern: { [layer(1)]: 16 }, alpha_pattern: { [layer(1)]: 32 } };
    const adapter = await adapterOf({ modules, config: { r: 8, lora_alpha: 16, ...patterns } });
    expect(found(adapter, "vllm").map(([level]) => level)).toEqual(["note", "note"]);
    expect(found(adapter, "tgi")).toEqual([["differs", expect.stringMatching(/one rank.*\(8\).* has rank 16/)]]);
  });

  it("finds rsLoRA where it is read as alpha / r", async () => {
    const adapter = await attention(["q", "v"], { r: 4, lora_alpha: 4, use_rslora: true });
    expect(found(adapter, "sglang")).toEqual([
      ["differs", expect.stringMatching(/\(1, use_rslora ignored\), but .*q_proj has scale 2; fold the scales in\./)],
    ]);
    for (const consumer of ["peft", "tgi"] as const) {
      expect(found(adapter, consumer).filter(([, text]) => text.includes("scale 2"))).toEqual([]);
    }
  });

  it.each([
    [["q", "v"], null],
    [["q", "k", "v"], null],
    [
      ["q"],
      /stacks .*q_proj with .*v_proj, which is not adapted; as none of its modules shows the size of that, merge it/,
    ],
    [["v"], /stacks .*v_proj with .*q_proj/],
    [["k"], /stacks .*k_proj with .*q_proj, which is not adapted, and 1 more/],
  ] as const)("looks for what SGLang stacks with %j", async (letters, words) => {
    const findings = found(await attention(letters), "sglang");
    expect(findings).toEqual(words === null ? [] : [["fails", expect.stringMatching(words)]]);
  });

  it.each([
    ["all-linear", true],
    ["all", true],
    [".*(q|v)_proj", false],
  ])("says whether SGLang reads target_modules %j: %s", async (targets, reads) => {
    const findings = found(await attention(["q", "v"], { target_modules: targets }), "sglang");
    expect(findings).toEqual(reads ? [] : [["fails", expect.stringContaining(`the expression "${targets}"`)]]);
  });

  it("finds layers that TGI wants complete", async () => {
    const adapter = await adapterOf({
      rank: 8,
      modules: { [layer(0)]: SIZE, [layer(3)]: SIZE, [layer(3, "v_proj")]: SIZE },
    });
    expect(found(adapter, "tgi")).toEqual([
      ["differs", expect.stringMatching(/model\.layers\.\*\.self_attn\.q_proj lacks layer 1, 2, and 1 more types/)],
    ]);
  });

  it("finds heads, and kinds of modules that are not adapted", async () => {
    const head = { extras: { "base_model.model.score.weight": [[1]] } };
    expect(found(await plain(8, head), "peft")).toEqual([]);
    expect(found(await plain(8, head), "tgi")).toEqual([
      [
        "fails",
        expect.stringMatching(
          /there is another tensor \(such as .*score\.weight\).*leave it out, if the task does not need it/,
        ),
      ],
    ]);
    const conv = await adapterOf({ rank: 8, modules: { [layer(0)]: SIZE, "model.conv": { ...SIZE, kind: "conv" } } });
    expect(found(conv, "vllm")).toContainEqual(["fails", expect.stringMatching(/no conv modules.*as model\.conv/)]);
  });

  it.each([
    [["score"], ["score.weight"], []],
    [["classifier"], ["classifier.weight", "classifier.bias"], []],
    [["classifier", "score"], [], []],
    [["score", "classifier"], ["score.weight", "classifier.weight"], [/one classifier or score, but there are 2/]],
    [["score"], ["score.bias"], [/one classifier or score/]],
    [["lm_head"], [], [/refuses modules_to_save .* this has lm_head/]],
    [["lm_head"], ["lm_head.weight"], [/one classifier or score/, /this has lm_head/]],
  ] as const)("knows which modules_to_save vLLM takes: %j with %j", async (names, keys, words) => {
    const extras = Object.fromEntries(keys.map((key) => [`base_model.model.${key}`, [[1]]]));
    const adapter = await plain(8, { extras, config: { modules_to_save: names } });
    const fails = found(adapter, "vllm").filter(([level]) => level !== "note");
    expect(fails).toEqual(words.map((each) => ["fails", expect.stringMatching(each)]));
  });

  it("finds a bias that vLLM refuses by the config alone", async () => {
    const adapter = await plain(8, { config: { bias: "all" } });
    expect(found(adapter, "vllm")).toContainEqual(["fails", expect.stringMatching(/refuses bias "all"/)]);
    expect(found(adapter, "peft")).toEqual([]);
  });

  it("finds files under other names, for those who look for them by name", async () => {
    const files = (weights: string, config: string) => ({
      [config]: JSON.stringify({ peft_type: "LORA", r: 2, lora_alpha: 4, target_modules: ["q_proj", "v_proj"] }),
      [weights]: encodeSafetensors([...linear(layer(0)), ...linear(layer(0, "v_proj"))]),
    });
    const copy = await openAdapter(
      memoryFolder("copy", files("adapter_model (1).safetensors", "adapter_config (1).json")),
    );
    for (const consumer of ["vllm", "peft"] as const) {
      expect(found(copy, consumer).filter(([level]) => level === "fails")).toEqual([
        [
          "fails",
          expect.stringMatching(/finds weights only as adapter_model\.safetensors .*adapter_model \(1\).*rename/),
        ],
        ["fails", expect.stringMatching(/finds the config only as adapter_config\.json.*\(1\)\.json; rename/)],
      ]);
    }
    expect(found(copy, "sglang")).toEqual([
      ["fails", expect.stringContaining("the config only as adapter_config.json")],
    ]);
  });

  it("finds experts that PEFT cannot stack", async () => {
    const expert = (i: number, name: string) => `model.layers.0.block_sparse_moe.experts.${i}.${name}`;
    const experts = (names: readonly string[], ranks: readonly number[]) =>
      adapterOf({
        modules: Object.fromEntries(
          ranks.flatMap((rank, i) => names.map((name) => [expert(i, name), { ...SIZE, rank }] as const)),
        ),
        config: {
          r: 4,
          lora_alpha: 4,
          rank_pattern: Object.fromEntries(ranks.map((rank, i) => [`experts.${i}.w\\d`, rank])),
        },
      });
    expect(found(await experts(["w1", "w2", "w3"], [4, 4]), "peft")).toEqual([]);
    expect(found(await experts(["w2"], [4, 4]), "peft")).toEqual([]);
    expect(found(await experts(["w1", "w2", "w3"], [4, 3]), "peft")).toEqual([
      ["fails", expect.stringMatching(/experts\.0\.w1 has rank 4 and .*experts\.1\.w1 has rank 3; give them one rank/)],
    ]);
    const routed = {
      [expert(0, "w2")]: { ...SIZE, rank: 4 },
      "model.layers.0.block_sparse_moe.gate": { ...SIZE, rank: 2 },
    };
    const config = { r: 4, lora_alpha: 4, rank_pattern: { gate: 2 } };
    expect(found(await adapterOf({ modules: routed, config }), "peft")).toEqual([
      ["fails", expect.stringMatching(/w2 has rank 4 and .*\.gate has rank 2; give them one rank/)],
    ]);
    expect(found(await experts(["w1", "w3"], [4, 4]), "peft")).toEqual([
      ["fails", expect.stringMatching(/block_sparse_moe adapts no w2;/)],
    ]);
    expect(found(await experts(["w1", "w2"], [4, 4]), "peft")).toEqual([
      ["fails", expect.stringMatching(/block_sparse_moe adapts no w3;/)],
    ]);
  });

  it("says what it has not looked at", async () => {
    const unseen = (adapter: Adapter, consumer: ConsumerId) => checkOpened(adapter, consumerById(consumer)).unseen;
    expect(unseen(await plain(8), "peft")).toEqual([expect.stringContaining("pass --base")]);
    expect(unseen(await plain(8), "vllm")).toEqual([
      expect.stringContaining("pass --base"),
      expect.stringMatching(/takes LoRA for the architecture of the base model/),
    ]);
    const strange = await plain(8, { config: { use_supernova: true } });
    expect(unseen(strange, "peft")).toContainEqual(expect.stringContaining("use_supernova"));
  });

  it("knows GPT-2 by its names and its way to store matrices, for which no server takes LoRA", async () => {
    const of = (name: string, turned: boolean) =>
      adapterOf({ rank: 8, modules: { [name]: SIZE }, config: { fan_in_fan_out: turned } });
    const fails = async (...args: Parameters<typeof of>) =>
      found(await of(...args), "vllm").filter(([level]) => level === "fails");
    const gpt2 = [["fails", expect.stringMatching(/^vLLM \S+ takes no LoRA for GPT2LMHeadModel/)]];
    for (const own of ["attn.c_attn", "attn.c_proj", "mlp.c_fc"]) {
      expect(await fails(`transformer.h.0.${own}`, true)).toEqual(gpt2);
      // GPT-BigCode has the same names.
      expect(await fails(`transformer.h.0.${own}`, false)).toEqual([]);
    }
    expect(await fails(layer(0), true)).toEqual([]);
    const [adapter, other] = [
      await of("transformer.h.0.attn.c_attn", true),
      await of("transformer.h.0.attn.c_attn", false),
    ];
    for (const [server, title] of [
      ["sglang", "SGLang"],
      ["tgi", "TGI"],
    ] as const) {
      const text = expect.stringMatching(new RegExp(`^${title} \\S+ takes no LoRA for GPT2LMHeadModel`));
      expect(found(adapter, server)).toContainEqual(["fails", text]);
      expect(found(other, server)).not.toContainEqual(["fails", text]);
    }
    expect(found(adapter, "peft")).toEqual([]);
  });

  it("finds no place in any program for modules that have numbers instead of names", async () => {
    const adapter = await adapterOf({ rank: 8, modules: { "text_encoder:0": SIZE, [layer(0)]: SIZE } });
    for (const consumer of ["peft", "vllm", "diffusers", "comfyui"] as const) {
      expect(found(adapter, consumer)).toEqual([
        [
          "fails",
          expect.stringMatching(
            /finds modules by their names, but this adapter numbers them \(such as text_encoder:0\)/,
          ),
        ],
      ]);
    }
  });

  it("finds the format, and names the one to convert to", async () => {
    const adapter = await plain(8);
    expect(found(adapter, "mlx")).toEqual([
      ["fails", expect.stringMatching(/does not load peft files; convert it to mlx, and check/)],
    ]);
    expect(found(adapter, "llamacpp")).toEqual([["fails", expect.stringMatching(/convert it to gguf/)]]);
  });

  it("says only that an adapter is of another kind of model, where it is", async () => {
    expect(found(await plain(7), "comfyui")).toEqual([
      ["fails", expect.stringMatching(/image models, but model\.layers\.0/)],
    ]);
    const image = await adapterOf({ modules: { "unet.conv_in": { ...SIZE, kind: "conv" } } });
    expect(found(image, "vllm")).toEqual([["fails", expect.stringMatching(/language models, but unet\.conv_in/)]]);
    expect(found(image, "comfyui")).toEqual([["fails", expect.stringMatching(/convert it to kohya/)]]);
  });

  it("names the consumers where one is unknown", () => {
    expect(() => consumerById("ollama")).toThrow(UsageError);
    expect(() => consumerById("ollama")).toThrow(/"ollama".*vllm, sglang, llamacpp/);
  });
});
