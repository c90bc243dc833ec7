import { expect, it } from "vitest";
import type { AdapterModule } from "../../src/adapter/adapter.ts";
import { stackExperts } from "../../src/convert/expert-stacks.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";

const EXPERT = "model.layers.0.mlp.experts.0";
const factor = {
  name: "t",
  dtype: "F32",
  rank: 1,
  offset: 0,
  file: 0,
  begin: 0,
  end: 0,
  strides: { unit: 1, entry: 1 },
};
const moduleOf = (projection: string, inputs: number, out: number) =>
  ({
    name: `${EXPERT}.${projection}`,
    kind: "linear",
    in: inputs,
    out,
    rank: 1,
    scale: 1,
    a: { ...factor, size: inputs },
    b: { ...factor, size: out },
  }) as unknown as AdapterModule;

const stacks = (config: object, modules: AdapterModule[]) => {
  const parsed = parseModelConfig(JSON.stringify({ model_type: "qwen3_moe", ...config }), "config.json");
  return stackExperts("mine", modules, {
    program: "mlx-lm",
    models: "qwen3_moe models",
    experts: parsed.experts,
    inTurn: false,
    placeOf: (name) =>
      name.endsWith(".gate_up_proj") ? null : { stack: `stack.${name.split(".").at(-1)}`, expert: 0 },
  }).stacks;
};

it("takes gate and up of a parameter apart", () => {
  const found = stacks({ num_experts: 2 }, [moduleOf("gate_up_proj", 8, 12), moduleOf("down_proj", 6, 8)]);
  expect(found.map(({ name, in: inputs, out }) => [name.split(".").at(-1), inputs, out])).toEqual([
    ["gate_proj", 8, 6],
    ["up_proj", 8, 6],
    ["down_proj", 6, 8],
  ]);
});

it("refuses parameters whose sizes are the other way round", () => {
  expect(() => stacks({ num_experts: 2 }, [moduleOf("gate_up_proj", 12, 8), moduleOf("down_proj", 8, 6)])).toThrow(
    `mine: ${EXPERT}.gate_up_proj is 12 -> 8 and ${EXPERT}.down_proj is 8 -> 6, which do not follow each other; a PEFT that had the two sizes of a parameter the other way round saved them, so mlx-lm has no place for them; fuse the adapter into its base model instead.`,
  );
});

it("asks for a config that says how many experts there are", () => {
  expect(() => stacks({}, [moduleOf("down_proj", 6, 8)])).toThrow(
    "mine: the config.json passed as --base-config does not say how many experts a layer has (such as num_experts)",
  );
});
