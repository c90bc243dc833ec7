import { describe, expect, it } from "vitest";
import { makePlan } from "../../src/plan/plan.ts";
import { filled, keyOf, linear, openPeft } from "../support/memory-folder.ts";

describe("copies of the base model's own tensors", () => {
  it("are said to be left out, one or several", async () => {
    const copies = async (...names: string[]) => {
      const beside = names.map((name) => filled(keyOf(name, "base_layer.weight"), [4, 3]));
      const { warnings } = makePlan([await openPeft([...linear("q"), ...beside])], {});
      return warnings.filter(({ id }) => id === "base-copies-dropped").map(({ text }) => text);
    };
    expect(await copies()).toEqual([]);
    const [one] = await copies("q");
    expect(one).toContain(
      "1 tensor that copies the base model's own (such as base_model.model.q.base_layer.weight) is",
    );
    const [two] = await copies("q", "v");
    expect(two).toContain(
      "2 tensors that copy the base model's own (such as base_model.model.q.base_layer.weight) are",
    );
  });
});
