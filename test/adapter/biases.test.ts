import { describe, expect, it } from "vitest";
import type { TensorRef } from "../../src/adapter/adapter.ts";
import { withBiases } from "../../src/adapter/biases.ts";
import type { Dtype } from "../../src/core/dtype.ts";
import { unitModule } from "../support/unit-module.ts";

const Q = unitModule("q", 3, "a");
const modules = new Map([["q", Q]]);
const bias = (path: string, shape: readonly number[], dtype: Dtype = "F32"): TensorRef => {
  return { name: `${path}.lora_B.bias`, file: 0, dtype, shape, begin: 0, end: 12 };
};
const found = (path: string, tensor: TensorRef) => withBiases(modules, new Map([[path, tensor]]), false);

describe("a bias beside B", () => {
  it("is its module's where it has a float for each output", () => {
    const tensor = bias("q", [3]);
    const { modules: biased, others, variants } = found("q", tensor);
    expect([...biased.values()]).toEqual([{ ...Q, bias: tensor }]);
    expect(others.size).toBe(0);
    expect(variants.map(({ id }) => id)).toEqual(["lora_bias"]);
  });

  it.each([
    ["no module has its name", "v", bias("v", [3])],
    ["it has another number of values than the module has outputs", "q", bias("q", [2])],
    ["it is stored in integers", "q", bias("q", [3], "I32")],
  ])("is set aside, and the adapter is not complete, where %s", (_, path, tensor) => {
    const { modules: biased, others, variants } = found(path, tensor);
    expect([...biased.values()]).toEqual([Q]);
    expect([...others]).toEqual([[tensor.name, tensor]]);
    expect(variants).toEqual([
      {
        id: "incomplete",
        of: "lora_bias",
        text: expect.stringContaining(
          `${tensor.name} is ${tensor.dtype} (${tensor.shape}), but must have a number for every output of a module; save`,
        ),
      },
    ]);
  });

  it("is missed where a config says that every module has one, and the first that lacks it is named", () => {
    const two = new Map([...modules, ["v", unitModule("v", 3, "a")]]);
    const { variants } = withBiases(two, new Map([["q", bias("q", [3])]]), true);
    expect(variants[0]!.text).toContain("its file holds no tensor v.lora_B.bias; save");
    expect(withBiases(two, new Map(), false)).toEqual({ modules: two, others: new Map(), variants: [] });
  });
});
