import { describe, expect, it } from "vitest";
import type { Dtype } from "../../src/core/dtype.ts";
import { filled, keyOf, openPeft } from "../support/memory-folder.ts";

const PATH = "model.layers.0.mlp.experts.up_proj";

describe("factors under the name of all experts", () => {
  const open = (a: readonly number[], b: readonly number[], dtype: Dtype = "F32") =>
    openPeft([filled(keyOf(PATH, "lora_A.weight"), a), filled(keyOf(PATH, "lora_B.weight"), b, dtype)], {
      r: 1,
      target_modules: ["up_proj"],
    });

  it("are a layer's own where they have two dimensions", async () => {
    const { modules } = await open([1, 2], [3, 1]);
    expect([...modules.keys()]).toEqual([PATH]);
  });

  it.each([
    ["B has two dimensions", [2, 1, 2], [3, 1]],
    ["B has four", [2, 1, 2], [2, 3, 1, 1]],
    ["they are empty", [0, 1, 2], [0, 3, 1]],
    ["they have no inputs", [2, 1, 0], [2, 3, 1]],
  ])("are refused where %s", async (_, a, b) => {
    await expect(open(a, b)).rejects.toThrow(
      /experts\.up_proj has factors that no experts have .*; expected A \(experts, r, in\)/,
    );
  });

  it("are refused in integers", async () => {
    await expect(open([2, 1, 2], [2, 3, 1], "I8")).rejects.toThrow(
      /lora_B\.weight is stored as I8, which is not a floating-point type/,
    );
  });
});
