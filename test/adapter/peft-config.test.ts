import { describe, expect, it } from "vitest";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import {
  type PeftConfig,
  parsePeftConfig,
  parsePeftFields,
  peftMethod,
} from "../../src/formats/peft-folder/read-config.ts";

const WHERE = "a/adapter_config.json";
const LEAST = { peft_type: "LORA", target_modules: ["q_proj"] };

const parseText = (text: string): PeftConfig => parsePeftConfig(parsePeftFields(text, WHERE), WHERE);
const parse = (fields: object): PeftConfig => parseText(JSON.stringify(fields));
const withField = (field: string, value: unknown): PeftConfig => parse({ ...LEAST, [field]: value });

/** Refused by an error of this kind in one sentence that begins with the file and has all `parts`. */
function refuses(kind: typeof FormatError | typeof RefusedError, action: () => unknown, ...parts: string[]): void {
  expect(action).toThrow(kind);
  for (const part of [WHERE, ...parts]) expect(action).toThrow(part);
}

/** adapter_config.json as PEFT 0.17 writes it. */
const MODERN = `{
  "alpha_pattern": {"layers.1.q_proj": 16}, "auto_mapping": null, "base_model_name_or_path": "meta-llama/Llama-2-7b-hf",
  "bias": "none", "corda_config": null, "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false,
  "inference_mode": true, "init_lora_weights": true, "layer_replication": null, "layers_pattern": null,
  "layers_to_transform": null, "loftq_config": {}, "lora_alpha": 32, "lora_bias": false, "lora_dropout": 0.05,
  "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": ["lm_head"], "peft_type": "LORA",
  "qalora_group_size": 16, "r": 16, "rank_pattern": {"k_proj": 4, ".*v_proj": 2}, "revision": null,
  "target_modules": ["v_proj", "q_proj", "k_proj"], "target_parameters": null, "task_type": "CAUSAL_LM",
  "trainable_token_indices": null, "use_dora": false, "use_qalora": false, "use_rslora": true
}`;

describe("parsePeftConfig", () => {
  it("reads all that a merge needs of a config of today, and finds nothing in it unknown", () => {
    expect(parseText(MODERN)).toEqual({
      baseModel: "meta-llama/Llama-2-7b-hf",
      taskType: "CAUSAL_LM",
      rank: 16,
      alpha: 32,
      rankPattern: [
        ["k_proj", 4],
        [".*v_proj", 2],
      ],
      alphaPattern: [["layers.1.q_proj", 16]],
      rslora: true,
      fanInFanOut: false,
      bias: "none",
      targets: ["v_proj", "q_proj", "k_proj"],
      targetModules: ["v_proj", "q_proj", "k_proj"],
      someLayers: false,
      modulesToSave: ["lm_head"],
      tiesWeights: false,
      changes: [],
      changedBase: null,
      targetParameters: [],
      tokenIndices: new Map(),
      invocationTokens: [],
      unknownFields: [],
    });
  });

  it("puts PEFT's defaults where fields are absent: rank 8, alpha 8, no patterns", () => {
    expect(parse(LEAST)).toEqual({
      baseModel: null,
      taskType: null,
      rank: 8,
      alpha: 8,
      rankPattern: [],
      alphaPattern: [],
      rslora: false,
      fanInFanOut: false,
      bias: "none",
      targets: ["q_proj"],
      targetModules: ["q_proj"],
      someLayers: false,
      modulesToSave: [],
      tiesWeights: false,
      changes: [],
      changedBase: null,
      targetParameters: [],
      tokenIndices: new Map(),
      invocationTokens: [],
      unknownFields: [],
    });
  });

  it("refuses a whole number as a pattern among others, whose place would be lost", () => {
    const config = (pattern: string): string => `{"peft_type":"LORA","target_modules":"x","rank_pattern":${pattern}}`;
    expect(() => parseText(config('{"q":1,"0":2}'))).toThrow(
      /rank_pattern has the key "0" among others.*name that module with its parent/,
    );
    expect(parseText(config('{"0":2}')).rankPattern).toEqual([["0", 2]]);
    expect(parseText(config('{"q":1,"to_out.0":2}')).rankPattern).toHaveLength(2);
  });

  it("keeps patterns in the file's order, whatever their names", () => {
    const text = '{"peft_type":"LORA","target_modules":"x","rank_pattern":{"z":1,"__proto__":2,"a":3,"constructor":4}}';
    expect(parseText(text).rankPattern.map(([pattern]) => pattern)).toEqual(["z", "__proto__", "a", "constructor"]);
  });

  it("lists fields that it does not know and reads the rest", () => {
    const config = parse({ ...LEAST, r: 4, quantum_lora: { x: [1] }, another: true, empty: null });
    expect(config.unknownFields).toEqual(["quantum_lora", "another"]);
    expect(config.rank).toBe(4);
  });

  it("takes target_modules as the whole truth only where they are a list that nothing narrows", () => {
    expect(withField("target_modules", "all-linear").targetModules).toBeNull();
    expect(withField("target_modules", ".*q_proj").targetModules).toBeNull();
    expect(withField("target_modules", null).targetModules).toBeNull();
    expect(withField("exclude_modules", ["lm_head"]).targetModules).toBeNull();
    expect(withField("layers_to_transform", [0, 1]).targetModules).toBeNull();
    expect(withField("layers_to_transform", 0).targetModules).toBeNull();
    expect(withField("target_modules", ["k", "q", "k"]).targetModules).toEqual(["k", "q"]);
  });

  it("knows that an adapter leaves layers out by layers_to_transform", () => {
    expect(withField("layers_to_transform", [0, 1]).someLayers).toBe(true);
    expect(withField("layers_to_transform", 0).someLayers).toBe(true);
    expect(withField("layers_to_transform", null).someLayers).toBe(false);
    expect(withField("layers_to_transform", []).someLayers).toBe(false);
  });

  it("takes an alpha of 0 and a negative one, and null where PEFT writes null for nothing", () => {
    expect(withField("lora_alpha", 0).alpha).toBe(0);
    expect(withField("lora_alpha", -2.5).alpha).toBe(-2.5);
    const empty = { rank_pattern: null, alpha_pattern: null, modules_to_save: null, use_rslora: null };
    expect(parse({ ...LEAST, ...empty })).toEqual(parse(LEAST));
  });

  it.each([
    ["use_dora", true],
    ["lora_bias", true],
    ["use_qalora", true],
    ["use_bdlora", { group: 2 }],
    ["enable_lora", [true, false, true]],
    ["layer_replication", [[0, 4]]],
    ["alora_invocation_tokens", [1, 2]],
    ["target_parameters", ["experts.gate_up_proj"]],
    ["trainable_token_indices", [0]],
    ["trainable_token_indices", { embed_tokens: [0] }],
    ["arrow_config", { top_k: 2 }],
    ["velora_config", { rank: 1 }],
    ["monteclora_config", { samples: 2 }],
    ["kasa_config", { k: 1 }],
  ])("tells that %s changes the meaning when it is set, and not when it says nothing", (field, value) => {
    expect(withField(field, value).changes).toEqual([field]);
    const unset = field === "trainable_token_indices" ? [null, [], {}] : [null, false, [], {}, ""];
    for (const nothing of unset) expect(withField(field, nothing)).toMatchObject({ changes: [], unknownFields: [] });
  });

  it("reads the tokens whose rows are trained, of one embedding or of several", () => {
    expect([...withField("trainable_token_indices", [3, 1]).tokenIndices]).toEqual([["", [3, 1]]]);
    const named = withField("trainable_token_indices", { embed_tokens: [5], lm_head: [] });
    expect([...named.tokenIndices]).toEqual([["embed_tokens", [5]]]);
    for (const wrong of ["5", 5, [1.5], [-1], { embed_tokens: 5 }, { embed_tokens: ["a"] }]) {
      refuses(FormatError, () => withField("trainable_token_indices", wrong), "trainable_token_indices is ", "must be");
    }
  });

  it.each(["pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "PiSSA"])(
    "tells that the initialisation %s changes the base",
    (init) => {
      expect(withField("init_lora_weights", init).changedBase).toBe(JSON.stringify(init));
    },
  );

  it.each([true, false, "gaussian", "eva", "orthogonal", null])("reads the initialisation %s", (init) => {
    expect(withField("init_lora_weights", init).changedBase).toBeNull();
  });

  it("tells the method by peft_type, which every config has", () => {
    expect(peftMethod({ peft_type: "LOHA" }, WHERE)).toBe("LOHA");
    for (const fields of [{}, { peft_type: null }, { peft_type: 3 }, { peft_type: ["LORA"] }]) {
      refuses(RefusedError, () => peftMethod(fields, WHERE), "peft_type", "LoRA adapters only");
    }
  });

  it("refuses a config without target_modules", () => {
    refuses(FormatError, () => parse({ peft_type: "LORA" }), "target_modules");
  });

  it.each(["", "{", "null", "[]", '"LORA"', "{} {}", '{"r":1,"r":2}'])("refuses the text %j", (text) => {
    refuses(FormatError, () => parseText(text));
  });

  it.each([
    ["r", 0],
    ["r", -1],
    ["r", 2.5],
    ["r", null],
    ["r", "8"],
    ["lora_alpha", null],
    ["lora_alpha", "16"],
    ["use_rslora", "true"],
    ["use_rslora", 1],
    ["fan_in_fan_out", 0],
    ["base_model_name_or_path", 5],
    ["task_type", ["CAUSAL_LM"]],
    ["target_modules", ["q", 1]],
    ["modules_to_save", "lm_head"],
    ["modules_to_save", [null]],
    ["rank_pattern", []],
    ["rank_pattern", "q"],
    ["use_dora", 0],
    ["use_dora", "false"],
    ["lora_bias", 1],
  ])("refuses %s of %j, naming the field and what it must be", (field, value) => {
    refuses(FormatError, () => withField(field, value), `${field} is `, "but must be");
  });

  it.each([
    ["rank_pattern", "4"],
    ["rank_pattern", null],
    ["alpha_pattern", [1]],
  ])("refuses %s of { q: %j }, naming the module", (field, value) => {
    refuses(
      FormatError,
      () => withField(field, { q: value }),
      `${field} gives "q" the value `,
      "must be a finite number",
    );
  });

  it("keeps its messages short, whatever the config holds", () => {
    const large = "x".repeat(100_000);
    for (const [field, value] of [
      ["rank_pattern", { [large]: large }],
      ["modules_to_save", Array(10_000).fill(1)],
      ["trainable_token_indices", large],
      ["r", large],
    ] as const) {
      const message = ((): string => {
        try {
          withField(field, value);
        } catch (error) {
          return (error as Error).message;
        }
        return expect.fail(`${field} was read`);
      })();
      expect(message.length).toBeLessThan(500);
    }
  });
});
