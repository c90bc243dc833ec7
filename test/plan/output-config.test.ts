import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { CASES_ABSENT, casePath, hasCases } from "../support/cases.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { type Nested, openPico, randomAdapter } from "../support/pico.ts";
import { written } from "../support/written.ts";

const Q = "model.layers.0.self_attn.q_proj";
const key = (path: string): string => `base_model.model.${path}`;

/** An adapter with tensors beside its factors, and fields in its config. */
const opened = (extras: Readonly<Record<string, Nested>>, config: Readonly<Record<string, unknown>>) =>
  openPico("mine", randomAdapter(1, { modules: { [Q]: { in: 3, out: 2 } }, extras, config }));

const biasOf = (adapter: Adapter, recipe: Recipe = {}): unknown => makePlan([adapter], recipe).config.bias;

describe("an output's config", () => {
  it("names no biases and no modules to save that the file does not hold", async () => {
    const adapter = await opened({}, { bias: "all", modules_to_save: ["classifier", "score"] });
    for (const config of [
      makePlan([adapter], {}).config,
      makePlan([adapter], { for: "vllm" }).config,
      JSON.parse((await written(adapter, "peft"))["adapter_config.json"] as string),
    ]) {
      expect(config).toMatchObject({ bias: "none", modules_to_save: null });
    }
  });

  it("names those that were dropped no longer", async () => {
    const adapter = await opened(
      { [key("score.weight")]: [[1, 2]], [key(`${Q}.bias`)]: [1, 2] },
      { bias: "lora_only" },
    );
    const { config } = makePlan([adapter], { extras: "drop", for: "vllm" });
    expect(config).toMatchObject({ bias: "none", modules_to_save: null });
  });

  it.each([
    ["lora_only", { [`${Q}.base_layer.bias`]: [1, 2] }],
    ["lora_only", { [`${Q}.bias`]: [1, 2] }],
    ["all", { [`${Q}.bias`]: [1, 2], "model.norm.bias": [3] }],
    ["all", { "model.norm.bias": [3] }],
    ["none", { "score.weight": [[1, 2]], "score.bias": [1] }],
    ["lora_only", { "score.weight": [[1, 2]], "score.bias": [1], [`${Q}.bias`]: [1, 2] }],
  ])("says %s of the biases that it holds: %j", async (bias, tensors) => {
    const extras = Object.fromEntries(Object.entries(tensors).map(([path, values]) => [key(path), values]));
    const adapter = await opened(extras, { bias: "all", modules_to_save: ["score"] });
    expect(biasOf(adapter)).toBe(bias);
    const { config, weights } = await mergeInMemory([adapter], {});
    const files = { "adapter_config.json": JSON.stringify(config), "adapter_model.safetensors": weights };
    const again = await openAdapter(memoryFolder("again", files));
    expect([...again.extras.keys()].sort()).toEqual(Object.keys(extras).sort());
    expect(again.ignored).toEqual([]);
  });
});

describe.skipIf(!hasCases)(`what vLLM refuses by the config alone${CASES_ABSENT}`, () => {
  it.each(["vllm-config-only/bias", "vllm-config-only/mts", "vllm-config-only/sc"])(
    "%s gives neither biases nor modules to save to a merge",
    async (name) => {
      const folder = casePath(`llm/${name}`);
      const { adapter, close } = await openAdapterPath(folder);
      try {
        expect(makePlan([adapter], { for: "vllm" }).config).toMatchObject({ bias: "none", modules_to_save: null });
      } finally {
        close();
      }
    },
  );

  it("bias-extra-vllm is refused until the biases are dropped", async () => {
    const { adapter, close } = await openAdapterPath(casePath("llm/bias-extra-vllm/a"));
    try {
      expect(() => makePlan([adapter], { for: "vllm" })).toThrow(RefusedError);
      expect(makePlan([adapter], { for: "vllm", extras: "drop" }).config).toMatchObject({ bias: "none" });
      expect(biasOf(adapter)).toBe("lora_only");
    } finally {
      close();
    }
  });
});
