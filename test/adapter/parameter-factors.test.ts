import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import { filled, keyOf, memoryFolder, openPeft, rejection } from "../support/memory-folder.ts";
import { rawSafetensors } from "../support/safetensors.ts";

const LAYER = "model.layers.0.mlp.experts";
/** Factors by their layer's path, of these shapes. */
const factors = (layer: string, a: readonly number[], b: readonly number[]) => [
  filled(keyOf(layer, "lora_A.weight"), a),
  filled(keyOf(layer, "lora_B.weight"), b),
];
const open = (tensors: ReturnType<typeof factors>, config: object) => openPeft(tensors, { r: 1, ...config }, "mine");
const PAIR = [
  [2, 2],
  [3, 2],
] as const;
const partsOf = async (...given: Parameters<typeof open>) => {
  const { modules, variants } = await open(...given);
  return [
    ...Array.from(modules.values(), ({ name, parameter }) => [name, parameter?.name]),
    ...variants.map(({ id }) => id),
  ];
};

describe("the factors of parameters", () => {
  it.each([
    ["A has no inputs", [2, 0], [3, 2]],
    ["B has no outputs", [2, 2], [0, 2]],
    ["there are no units", [0, 2], [3, 0]],
    ["they have one dimension", [4], [4]],
    ["they have four", [2, 1, 2, 1], [3, 1, 2, 1]],
  ])("are refused where %s", async (_, a, b) => {
    const error = await rejection(open(factors(LAYER, a, b), { target_parameters: ["experts.down_proj"] }));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(/^mine: .*experts\.down_proj has factors that no parameter of rank 1 has/);
  });

  it("are not taken for those of experts without a name where their units are no multiple of the rank", async () => {
    const error = await rejection(open(factors(LAYER, [3, 2], [3, 3]), { r: 2 }));
    expect(error.message).toMatch(/^mine: the config gives .*experts rank 2, but its tensor .* has shape \(3, 2\)/);
  });

  it("are refused in integers", async () => {
    const [a, b] = factors(LAYER, ...PAIR);
    const tensors = [a!, filled(b!.name, b!.shape, "I8")];
    const error = await rejection(open(tensors, { target_parameters: ["experts.down_proj"] }));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("lora_B.weight is stored as I8");
  });

  it("are the innermost parameter's where they are innermost, though the file has them last", async () => {
    // gate_up_proj (2) -> 4 is declared first, so PEFT puts it inside of down_proj (2) -> 3.
    const shapes = { [LAYER]: [3, 2], [`${LAYER}.base_layer`]: [4, 2] };
    const header: Record<string, object> = {};
    let at = 0;
    for (const [layer, b] of Object.entries(shapes)) {
      for (const { name, shape } of factors(layer, [2, 2], b)) {
        const end = at + 4 * shape[0]! * shape[1]!;
        header[name] = { dtype: "F32", shape, data_offsets: [at, end] };
        at = end;
      }
    }
    const files = {
      "adapter_config.json": JSON.stringify({ peft_type: "LORA", r: 1, lora_alpha: 1, target_modules: [] }),
      "adapter_model.safetensors": rawSafetensors(header, at),
    };
    const { modules } = await openAdapter(memoryFolder("mine", files));
    expect(new Set(Array.from(modules.values(), ({ parameter, out }) => `${parameter!.name} ${out}`))).toEqual(
      new Set(["gate_up_proj 4", "down_proj 3"]),
    );
  });
});

describe("the names of parameters", () => {
  const FFN = "blocks.0.ffn";
  const nested = (layer: string) => [...factors(`${layer}.base_layer`, ...PAIR), ...factors(layer, ...PAIR)];

  it("are those that models of experts have, among others that may be another layer's", async () => {
    for (const other of ["weight", "w1", "down_proj_bias"]) {
      expect(await partsOf(factors(LAYER, ...PAIR), { target_parameters: [other, "down_proj"] })).toEqual(
        [0, 1].map((e) => [`${LAYER}.${e}.down_proj`, "down_proj"]),
      );
    }
  });

  it("are not certain for two factors of a layer that is named with its weight and another", async () => {
    const config = { target_parameters: ["ffn.weight", "ffn.w1"] };
    expect(await partsOf(nested(FFN), config)).toEqual(["target_parameters"]);
  });

  it("may be those of matrices where a layer is no target, and are not where it may be", async () => {
    const gate = "model.layers.0.mlp.gate";
    const matrix = factors(gate, [1, 2], [3, 1]);
    const of = (target_modules: readonly string[] | string) =>
      partsOf(matrix, { target_modules, target_parameters: ["weight"] });
    expect(await of(["q_proj", "v_proj"])).toEqual([[gate, "weight"]]);
    expect(await of(["q_proj", "gate"])).toEqual([[gate, undefined]]);
    // An expression may name any layer.
    expect(await of(".*_proj")).toEqual([[gate, undefined]]);
  });

  it("are any layer's where all of them stand alone, and one's where they stand with it", async () => {
    const matrix = factors(FFN, [1, 2], [3, 1]);
    expect(await partsOf(matrix, { target_parameters: ["w1", "w2"] })).toEqual([[FFN, undefined]]);
    expect(await partsOf(matrix, { target_parameters: ["other.w1", "ffn.w2"] })).toEqual([[`${FFN}.w2`, "w2"]]);
  });
});
