import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternLookup } from "../../src/adapter/pattern.ts";
import { factorShapes, peftKey, storedFactors } from "../../src/formats/peft-folder/factors.ts";
import { configNameBeside, hasWeightsName, isConfigFile } from "../../src/formats/peft-folder/files.ts";
import { parseFactorKey, withoutPeftPrefix } from "../../src/formats/peft-folder/keys.ts";
import { parsePeftConfig, parsePeftFields, peftMethod } from "../../src/formats/peft-folder/read-config.ts";
import { type ConfiguredLora, peftConfig } from "../../src/formats/peft-folder/write-config.ts";

const ATTENTION = "model.layers.0.self_attn";
const PLAIN: ConfiguredLora = {
  baseModel: "some/base",
  taskType: "CAUSAL_LM",
  fanInFanOut: false,
  modules: [
    { name: `${ATTENTION}.q_proj`, rank: 8, alpha: 16 },
    { name: `${ATTENTION}.v_proj`, rank: 4, alpha: 16 },
  ],
  common: { rank: 8, alpha: 16 },
  extras: ["base_model.model.score.weight", `base_model.model.${ATTENTION}.q_proj.bias`],
  sources: [{ targetModules: ["v_proj", "q_proj"], targetParameters: [], modulesToSave: ["classifier", "score"] }],
  left: [],
};

describe("a config that is written", () => {
  it("has these fields, in this order", () => {
    expect(JSON.stringify(peftConfig(PLAIN), null, 1)).toBe(
      `{
 "peft_type": "LORA",
 "task_type": "CAUSAL_LM",
 "base_model_name_or_path": "some/base",
 "r": 8,
 "lora_alpha": 16,
 "lora_dropout": 0,
 "bias": "lora_only",
 "target_modules": [
  "q_proj",
  "v_proj"
 ],
 "fan_in_fan_out": false,
 "use_rslora": false,
 "use_dora": false,
 "rank_pattern": {
  "${ATTENTION}.v_proj": 4
 },
 "alpha_pattern": {
  "${ATTENTION}.v_proj": 16
 },
 "modules_to_save": [
  "score"
 ],
 "inference_mode": true
}`,
    );
  });

  it("is read back with the same facts, whatever the LoRA", () => {
    const part = fc.constantFrom("0", "12", "q_proj", "mlp", "a.b", "x[0]", "é", "$");
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
    const number = fc.integer({ min: 1, max: 4 });
    const text = fc.option(fc.string());
    const lora: fc.Arbitrary<ConfiguredLora> = fc.record({
      baseModel: text,
      taskType: text,
      fanInFanOut: fc.boolean(),
      modules: fc.uniqueArray(
        fc.record({ name: path, rank: number, alpha: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
        {
          selector: ({ name }) => name,
          minLength: 1,
          maxLength: 6,
        },
      ),
      common: fc.record({ rank: number, alpha: number }),
      extras: fc.array(
        path.map((name) => `base_model.model.${name}.weight`),
        { maxLength: 3 },
      ),
      sources: fc.array(
        fc.record({
          targetModules: fc.option(fc.array(part)),
          targetParameters: fc.array(part, { maxLength: 2 }),
          modulesToSave: fc.array(part, { maxLength: 2 }),
        }),
        { maxLength: 2 },
      ),
      left: fc.array(fc.record({ name: path }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(lora, (written) => {
        const fields = parsePeftFields(JSON.stringify(peftConfig(written)), "config");
        expect(peftMethod(fields, "config")).toBe("LORA");
        const read = parsePeftConfig(fields, "config");
        expect(read).toMatchObject({
          baseModel: written.baseModel,
          taskType: written.taskType,
          fanInFanOut: written.fanInFanOut,
          rank: written.common.rank,
          alpha: written.common.alpha,
          rslora: false,
          someLayers: false,
          changes: [],
          changedBase: null,
          unknownFields: [],
        });
        const rankOf = patternLookup(read.rankPattern, read.rank, "config");
        const alphaOf = patternLookup(read.alphaPattern, read.alpha, "config");
        for (const { name, rank, alpha } of written.modules) {
          expect([name, rankOf(name), alphaOf(name)]).toEqual([name, rank, alpha + 0]);
          expect(
            read.targetModules!.some((target) => `.${name}`.endsWith(`.${target}`)),
            name,
          ).toBe(true);
        }
        for (const key of written.extras) {
          const owner = withoutPeftPrefix(key).replace(/\.weight$/, "");
          expect(
            read.modulesToSave.some((saved) => `.${owner}.`.includes(`.${saved}.`)),
            owner,
          ).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the factors of a module", () => {
  it.each([
    ["linear", [5], [2, 5], [3, 2]],
    ["embedding", [7], [2, 7], [3, 2]],
    ["conv", [4, 3, 1], [2, 4, 3, 1], [3, 2, 1, 1]],
  ] as const)("of kind %s have keys that are read back, and these shapes", (kind, inputShape, a, b) => {
    const module = { name: `${ATTENTION}.q_proj`, kind, rank: 2, out: 3, inputShape };
    expect(factorShapes(module)).toEqual({ a, b });
    const [stored] = storedFactors([module]);
    const specs = [stored!.a, stored!.b];
    expect(specs.map(({ shape }) => shape)).toEqual([a, b]);
    for (const [i, half] of (["a", "b"] as const).entries()) {
      const key = parseFactorKey(specs[i]!.name)!;
      expect(key).toMatchObject({ half, embedding: kind === "embedding" });
      expect(withoutPeftPrefix(key.path)).toBe(module.name);
      expect(peftKey(module, half === "a" ? "A" : "B")).toBe(specs[i]!.name);
    }
  });
});

describe("the files of a folder", () => {
  it.each([
    ["adapter_model.safetensors", "adapter_config.json"],
    ["adapter_model (1).safetensors", "adapter_config (1).json"],
    ["adapter_model.bin", "adapter_config.json"],
    ["other.safetensors", "adapter_config.json"],
  ])("%s stands beside %s", (weights, config) => {
    expect(configNameBeside(weights)).toBe(config);
    expect(isConfigFile(config)).toBe(true);
    expect(hasWeightsName(weights)).toBe(weights.startsWith("adapter_model"));
  });
});
