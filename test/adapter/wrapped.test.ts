import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prefixed, unwrapped } from "../../src/adapter/names/wrapped.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { filled, keyOf, linear, openPeft, rejection } from "../support/memory-folder.ts";

const Q = "model.layers.0.self_attn.q_proj";
const renamed = (tensors: readonly TensorData[], rename: (key: string) => string): TensorData[] =>
  tensors.map((tensor) => ({ ...tensor, name: rename(tensor.name) }));

describe("names of tensors from a wrapped model", () => {
  const WRAPS: [string, (key: string) => string][] = [
    ["torch.compile", (key) => `_orig_mod.${key}`],
    ["torch.compile of what PEFT wraps", (key) => key.replace("base_model.model.", "base_model.model._orig_mod.")],
    ["FSDP", (key) => key.replace(".layers.0.", ".layers.0._fsdp_wrapped_module.")],
    ["checkpointed activations", (key) => key.replace(".self_attn.", "._checkpoint_wrapped_module.self_attn.")],
    ["DDP", (key) => `module.${key}`],
    ["PEFT, twice", (key) => key.replace("base_model.model.", "base_model.model.base_model.model.")],
    ["the adapter's name", (key) => key.replace(/\.(weight|bias)$/, ".default.$1")],
    ["another adapter's name", (key) => key.replace(/\.(weight|bias)$/, ".math.$1")],
  ];

  it.each(WRAPS)("are read without it, with one notice: %s", async (_, wrap) => {
    const { modules, notices } = await openPeft(renamed(linear(Q), wrap));
    expect([...modules.keys()]).toEqual([Q]);
    expect(notices).toEqual([
      {
        id: "wrapped-names",
        text: expect.stringMatching(/^adapter was saved from a wrapped model; .* is base_model\..*\.$/),
      },
    ]);
  });

  it("are read under any pile of wrappers, as without", async () => {
    const wraps = WRAPS.slice(0, 7).map(([, wrap]) => wrap);
    await fc.assert(
      fc.asyncProperty(fc.subarray(wraps, { minLength: 1 }), async (chosen) => {
        // What comes before the prefix is put there last.
        const wrapped = renamed(linear(Q), (key) => chosen.toReversed().reduce((name, wrap) => wrap(name), key));
        const { modules, notices } = await openPeft(wrapped);
        expect([...modules.keys()]).toEqual([Q]);
        expect(notices).toHaveLength(1);
      }),
    );
  });

  it("give embeddings, biases beside B and magnitudes their places too", async () => {
    const tensors = [
      ...renamed(linear("q"), (key) => key.replace(".weight", ".default.weight")),
      filled(keyOf("embed", "lora_embedding_A.default"), [2, 10]),
      filled(keyOf("embed", "lora_embedding_B.default"), [3, 2]),
      filled(keyOf("q", "lora_B.default.bias"), [4]),
      filled(keyOf("q", "lora_magnitude_vector.default.weight"), [4]),
    ];
    const { modules, magnitudes } = await openPeft(tensors);
    expect([...modules.keys()].sort()).toEqual(["embed", "q"]);
    expect([...magnitudes.keys()]).toEqual(["q"]);
    expect(modules.get("q")!.bias!.name).toBe(keyOf("q", "lora_B.bias"));
  });

  it("that fall together are refused, with both", async () => {
    const twice = [...linear(Q), ...renamed(linear(Q), (key) => `_orig_mod.${key}`)];
    const error = await rejection(openPeft(twice));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(
      /^adapter: _orig_mod\.base_model\.\S+ and base_model\.\S+ are both base_model\.\S+ .*; remove/,
    );
  });

  it("of several adapters are refused, with those", async () => {
    const named = (name: string) => renamed(linear(Q), (key) => key.replace(".weight", `.${name}.weight`));
    const error = await rejection(openPeft([...named("math"), ...named("code")]));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("several adapters in one file (code, math");
    // In alphabetical order, whatever the file's is.
    const keys = ["math", "code"].map((name) => keyOf("q", `lora_A.${name}.weight`));
    const tensors = keys.map((name) => ({ name, file: 0, dtype: "F32" as const, shape: [1, 1], begin: 0, end: 4 }));
    expect(() => unwrapped("it", new Map(tensors.map((tensor) => [tensor.name, tensor])))).toThrow("(code, math in");
  });

  it("may have the adapter's name in the factors alone", async () => {
    const factors = renamed(linear("q"), (key) => key.replace(".weight", ".default.weight"));
    const head = filled("base_model.model.classifier.weight", [2, 3]);
    const { modules, extras } = await openPeft([...factors, head]);
    expect([[...modules.keys()], [...extras.keys()]]).toEqual([["q"], [head.name]]);
  });

  it("are told to whom merges them", async () => {
    const adapter = await openPeft(renamed(linear(Q), (key) => `module.${key}`));
    expect(makePlan([adapter], {}).warnings.map(({ id }) => id)).toContain("wrapped-names");
  });
});

describe("names of tensors without PEFT's prefix", () => {
  const bare = renamed(linear(Q), (key) => key.replace("base_model.model.", ""));

  it("are read where no name has it, with a notice", async () => {
    const { modules, notices } = await openPeft(bare);
    expect([...modules.keys()]).toEqual([Q]);
    expect(notices).toMatchObject([{ id: "bare-names", text: expect.stringContaining("loads none of them") }]);
  });

  it("are not missed where there are no tensors at all", () => {
    expect(prefixed("it", new Map())).toEqual({ tensors: new Map(), notices: [] });
  });

  it("are refused among others that have it", async () => {
    const error = await rejection(openPeft([...linear("q"), ...bare]));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("does not start with base_model.model.");
  });
});

describe("factors that were saved without gathering", () => {
  const pair = (a: number[], b: number[]): TensorData[] => [
    filled(keyOf("q", "lora_A.weight"), a),
    filled(keyOf("q", "lora_B.weight"), b),
  ];
  it.each([
    ["are empty: no shape", [0], [0], /are empty \(A is \(0\), B is \(0\)\)/],
    ["are empty: no rows of B", [2, 3], [0, 2], /are empty \(A is \(2, 3\), B is \(0, 2\)\)/],
    [
      "are one process's rows",
      [4, 3],
      [6, 8],
      /differ in rank \(A is \(4, 3\), B is \(6, 8\); expected 8 rows of A\), which looks like the rows of a single FSDP process/,
    ],
  ])("are refused with what to call when saving again: %s", async (_, a, b, words) => {
    const error = await rejection(openPeft(pair(a, b), { r: 8 }));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(words);
    expect(error.message).toMatch(/; save it again with the parts gathered, .*get_state_dict\(model\)\)\.$/);
  });
});

describe("config fields that nobody knows", () => {
  it("are told by name where they are set", async () => {
    const fields = { use_supernova: true, supernova_config: { x: 1 }, off: false, none: null, empty: [], zero: 0 };
    const adapter = await openPeft(linear("q"), fields);
    expect(adapter.unknownFields).toEqual(["use_supernova", "supernova_config"]);
    expect(adapter.notices).toMatchObject([
      {
        id: "unknown-field",
        text: expect.stringMatching(/^adapter sets use_supernova, supernova_config in its config/),
      },
    ]);
    expect(makePlan([adapter], {}).warnings.map(({ id }) => id)).toEqual(["unknown-field"]);
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}${"x".repeat(500)}`, 1]));
    const [notice] = (await openPeft(linear("q"), many)).notices;
    expect(notice!.text).toContain("and 4 more in its config");
    expect(notice!.text.length).toBeLessThan(800);
  });
});
