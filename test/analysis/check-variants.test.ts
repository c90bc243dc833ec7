import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { CONSUMER_IDS, type ConsumerId, consumerById, type Handling } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { filled, keyOf, linear, memoryFolder, openPeft } from "../support/memory-folder.ts";

const MODULES = ["q_proj", "v_proj"].map((name) => `model.layers.0.self_attn.${name}`);
const FACTORS = MODULES.flatMap((name) => linear(name, 2, 3, 4));
const targets = { target_modules: ["q_proj", "v_proj"] };
const peft = (config: Readonly<Record<string, unknown>>, ...more: TensorData[]) =>
  openPeft([...FACTORS, ...more], { ...targets, ...config });
const bare = (config: Readonly<Record<string, unknown>>) => openPeft([filled("base_model.model.x", [1])], config);
const image = (...tensors: TensorData[]) =>
  openAdapter(memoryFolder("image", { "lora.safetensors": encodeSafetensors(tensors) }));

/** How a consumer handles the variants of an adapter, by the levels of the findings. */
function handling(adapter: Adapter, consumer: ConsumerId): Handling {
  const { findings, unseen } = checkOpened(adapter, consumerById(consumer));
  const own = findings.find(({ text }) => /does not load such adapters|loads it as something else/.test(text));
  if (own !== undefined) return own.level === "differs" ? "differs" : "fails";
  return unseen.some((text) => text.includes("handles it:")) ? "unknown" : "loads";
}

const magnitudes = MODULES.map((name) => filled(keyOf(name, "lora_magnitude_vector"), [4]));

describe("check on adapters that are more than a plain LoRA", () => {
  it.each<readonly [string, () => Promise<Adapter>, Partial<Record<ConsumerId, Handling>>]>([
    ["plain", () => peft({}), { peft: "loads", vllm: "loads", sglang: "loads", tgi: "loads" }],
    [
      "DoRA",
      () => peft({ use_dora: true }, ...magnitudes),
      { peft: "loads", vllm: "fails", sglang: "fails", tgi: "differs" },
    ],
    ["DoRA without magnitudes", () => peft({ use_dora: true }), { peft: "differs", vllm: "fails", tgi: "differs" }],
    [
      "aLoRA",
      () => peft({ alora_invocation_tokens: [1] }),
      { peft: "loads", vllm: "fails", sglang: "differs", tgi: "differs" },
    ],
    [
      "replicated layers",
      () => peft({ layer_replication: [[0, 1]] }),
      { peft: "loads", vllm: "fails", sglang: "differs" },
    ],
    ["PiSSA", () => peft({ init_lora_weights: "pissa" }), { peft: "loads", vllm: "fails", sglang: "differs" }],
    ["CorDA", () => peft({ init_lora_weights: "corda" }), { peft: "fails", vllm: "fails" }],
    ["LoRA-GA", () => peft({ init_lora_weights: "lora_ga" }), { peft: "loads", vllm: "loads" }],
    ["QA-LoRA", () => peft({ use_qalora: true }), { peft: "loads", vllm: "fails", sglang: "differs" }],
    ["MergedLinear", () => peft({ enable_lora: [true, false] }), { peft: "fails", vllm: "fails" }],
    ["OFT of PEFT", () => bare({ peft_type: "OFT" }), { peft: "loads", vllm: "fails", sglang: "fails", tgi: "fails" }],
    ["a method that PEFT lacks", () => bare({ peft_type: "NEWEST" }), { peft: "fails" }],
    [
      "a parameter that nothing names",
      () => openPeft([...FACTORS, ...linear("model.layers.0.mlp.experts", 4, 3, 4)], targets),
      { peft: "differs", vllm: "fails", sglang: "fails", tgi: "differs" },
    ],
    [
      "parameters named in no known order",
      () =>
        openPeft([...FACTORS, ...linear("model.layers.0.mlp.experts", 4, 3, 4)], {
          ...targets,
          target_parameters: ["experts.v1", "experts.w1"],
        }),
      { peft: "loads", vllm: "unknown" },
    ],
    [
      "OFT of LyCORIS",
      () => image(filled("lora_unet_mid_block_attentions_0_proj_in.oft_blocks", [2, 2])),
      { comfyui: "loads", diffusers: "unknown", peft: "fails", vllm: "fails", llamacpp: "fails" },
    ],
  ])("%s", async (_, open, expected) => {
    const adapter = await open();
    for (const [consumer, level] of Object.entries(expected)) {
      expect([consumer, handling(adapter, consumer as ConsumerId)]).toEqual([consumer, level]);
    }
  });

  it("says of PEFT that a changed base must be that very base", async () => {
    const { findings } = checkOpened(await peft({ init_lora_weights: "olora" }), consumerById("peft"));
    expect(findings).toEqual([
      { level: "note", text: expect.stringMatching(/only on the exact base that it was trained on: .*olora/) },
    ]);
  });

  it("answers for every consumer, and names its version", async () => {
    for (const open of [() => peft({ use_dora: true }, ...magnitudes), () => bare({ peft_type: "IA3" })]) {
      const adapter = await open();
      for (const id of CONSUMER_IDS) {
        expect(consumerById(id).version).toMatch(/\d/);
        const { findings } = checkOpened(adapter, consumerById(id));
        if (id !== "peft") expect(findings.some(({ level }) => level === "fails" || level === "differs")).toBe(true);
      }
    }
  });

  it("says one thing of an adapter that lacks what it says that it is", async () => {
    const bare = await peft({ use_dora: true });
    for (const id of CONSUMER_IDS) {
      const { findings } = checkOpened(bare, consumerById(id));
      expect(findings.filter(({ text }) => text.includes("DoRA")).length).toBeLessThan(2);
    }
  });

  it("leaves it to whoever loads them whether names of unknown families are found", async () => {
    const strange = await image(
      filled("lora_unet_strange_place.lora_down.weight", [2, 3]),
      filled("lora_unet_strange_place.lora_up.weight", [4, 2]),
    );
    for (const id of ["comfyui", "diffusers"] as const) {
      const { findings, unseen } = checkOpened(strange, consumerById(id));
      expect(findings).toEqual([]);
      expect(unseen).toContainEqual(
        expect.stringMatching(/lora-lego knows no family with names such as lora_unet_strange_place/),
      );
    }
  });

  describe.each(["diffusers", "comfyui"] as const)("Flux under its own code's names in %s", (id) => {
    const pair = (path: string): TensorData[] => [
      filled(`${path}.lora_A.weight`, [2, 3]),
      filled(`${path}.lora_B.weight`, [4, 2]),
    ];
    const own = "double_blocks.0.img_attn.proj";
    const told = async (...tensors: TensorData[]): Promise<string[]> =>
      checkOpened(await image(...tensors), consumerById(id)).findings.flatMap(({ level, text }) =>
        /component/.test(text) ? [`${level}: ${text}`] : [],
      );

    it("needs a component in front of them", async () => {
      const format = id === "diffusers" ? "diffusers" : "kohya";
      expect(await told(...pair(`diffusion_model.${own}`))).toEqual([]);
      expect(await told(...pair(own))).toEqual([
        expect.stringMatching(new RegExp(`^fails: none of its names .*${own}.*convert it to ${format}\\.$`)),
      ]);
      const mixed = [...pair(own), ...pair("diffusion_model.double_blocks.1.img_attn.proj")];
      expect(await told(...mixed)).toEqual([expect.stringMatching(/^differs: 1 of its 2 modules have names without/)]);
    });

    it("is offered no conversion that refuses it", async () => {
      expect(await told(...pair(own), filled(`${own}.dora_scale`, [4, 1]))).toEqual([
        expect.stringMatching(/; put diffusion_model\. in front of them\.$/),
      ]);
    });

    it("is found in control files, which have norms", async () => {
      const norms = ["query", "key"].map((name) => filled(`single_blocks.0.norm.${name}_norm.scale`, [4]));
      expect(await told(...pair(own), ...pair("img_in"), ...norms)).toEqual([]);
    });
  });

  it.each([
    ["lora_unet_joint_blocks_0_context_block_attn_qkv", "fails", /does not find the one module by its name/],
    [
      "lora_transformer_single_transformer_blocks_0_proj_mlp",
      "fails",
      /only attention from files with lora_transformer_/,
    ],
  ])("knows what diffusers does not read of kohya's names: %s", async (stem, level, words) => {
    const adapter = await image(filled(`${stem}.lora_down.weight`, [2, 3]), filled(`${stem}.lora_up.weight`, [4, 2]));
    expect(checkOpened(adapter, consumerById("diffusers")).findings).toEqual([
      { level, text: expect.stringMatching(words), mend: { to: "diffusers" } },
    ]);
  });
});
