import { describe, expect, it } from "vitest";
import type { AdapterModule } from "../../../src/adapter/adapter.ts";
import { composed, cutPlain } from "../../../src/adapter/weights/cut.ts";
import { placeOf, refuseDoubled, sharesFactor, splitModule, stackParts } from "../../../src/adapter/weights/whole.ts";
import { RefusedError } from "../../../src/core/errors.ts";
import { FLUX1 } from "../../../src/families/flux1.ts";
import { strided } from "../../support/strided.ts";
import { unitModule as module } from "../../support/unit-module.ts";

const LINEAR1 = "diffusion_model.single_blocks.0.linear1";
const byName = (...modules: AdapterModule[]) => new Map(modules.map((own) => [own.name, own]));
const stack = (...modules: AdapterModule[]) => stackParts("it", modules, FLUX1, () => true);

describe("placeOf", () => {
  it("knows no place for names without a component, and for weights that the family does not have", () => {
    expect(placeOf(FLUX1, "q")).toBeNull();
    expect(placeOf(FLUX1, "diffusion_model.nothing")).toBeNull();
    expect(placeOf(FLUX1, `${LINEAR1}.k`)).toMatchObject({
      component: "diffusion_model.",
      weight: { path: "single_blocks.#.linear1" },
      part: { name: "k" },
      numbers: ["0"],
    });
  });
});

describe("refuseDoubled", () => {
  it("refuses a weight beside a part of it, whatever else there is", () => {
    const others = [module("odd", 2, "a"), module("diffusion_model.img_in", 2, "a"), module(`${LINEAR1}.k`, 2, "a")];
    expect(() => refuseDoubled("it", byName(...others), FLUX1)).not.toThrow();
    const doubled = byName(...others, module(LINEAR1, 14, "a"));
    expect(() => refuseDoubled("it", doubled, FLUX1)).toThrow(
      new RefusedError(
        `it: ${LINEAR1}.b and ${LINEAR1}.k.b both belong to ${LINEAR1}, the whole weight and a part of it; remove the one that does not belong to the adapter.`,
      ),
    );
  });
});

describe("stackParts", () => {
  it("adds the ranks of parts that do not share A, with zeros elsewhere, in the order of the table", () => {
    const [v, k] = [module(`${LINEAR1}.v`, 2, "av", 3), module(`${LINEAR1}.k`, 2, "ak", 6)];
    const others = [module("odd", 2, "a"), module("diffusion_model.img_in", 2, "a")];
    const stacked = stack(others[0]!, v, others[1]!, k);
    expect([...stacked.keys()]).toEqual(["odd", LINEAR1, "diffusion_model.img_in"]);
    expect([stacked.get("odd"), stacked.get("diffusion_model.img_in")]).toEqual(others);
    // Queries have two rows and the MLP eight, which are zero.
    const whole = stacked.get(LINEAR1)!;
    expect(whole).toMatchObject({ kind: "linear", in: 2, out: 14, rank: 2, scale: 3 });
    expect(whole.a).toMatchObject({
      pieces: [
        { factor: k.a, unit: 0, entry: 0, times: 1 },
        { factor: v.a, unit: 1, entry: 0, times: 1 },
      ],
    });
    expect(whole.b).toMatchObject({
      size: 14,
      pieces: [
        { factor: k.b, unit: 0, entry: 2, times: 2 },
        { factor: v.b, unit: 1, entry: 4, times: 1 },
      ],
    });
  });

  it("keeps one A for the parts that share it, though each was read by itself", () => {
    const parts = ["q", "k", "v"].map((part) => module(`${LINEAR1}.${part}`, 2, part === "v" ? "other" : "a"));
    const whole = stack(...parts).get(LINEAR1)!;
    expect(whole.rank).toBe(2);
    expect(whole.b).toMatchObject({ pieces: [{ unit: 0 }, { unit: 0 }, { unit: 1 }] });
    expect([sharesFactor(parts.slice(0, 2)), sharesFactor(parts)]).toEqual([true, false]);
  });

  it("finds the rows of absent parts from those of any other", () => {
    const mlp = module(`${LINEAR1}.mlp`, 8, "a");
    const whole = stack(mlp).get(LINEAR1)!;
    expect(whole.out).toBe(14);
    expect(whole.b).toMatchObject({ pieces: [{ factor: mlp.b, entry: 6 }] });
  });

  it("keeps the scales of others beside a part whose scale is zero", () => {
    const whole = stack(module(`${LINEAR1}.q`, 2, "a", 0), module(`${LINEAR1}.k`, 2, "b", 5)).get(LINEAR1)!;
    expect(whole.scale).toBe(1);
    expect(whole.b).toMatchObject({ pieces: [{ times: 0 }, { times: 5 }] });
  });

  it.each([
    ["inputs", module(`${LINEAR1}.k`, 2, "b", 1, 3), "3 (linear)"],
    ["kind", { ...module(`${LINEAR1}.k`, 2, "b"), kind: "conv" as const }, "2 (conv)"],
  ])("refuses parts that differ in %s", (_, odd, is) => {
    expect(() => stack(module(`${LINEAR1}.q`, 2, "a"), odd)).toThrow(
      new RefusedError(
        `it: ${LINEAR1}.q takes 2 inputs and ${LINEAR1}.k ${is}, but both are rows of ${LINEAR1}; check that the file belongs to one model.`,
      ),
    );
  });
});

describe("splitModule", () => {
  const { weight } = placeOf(FLUX1, "diffusion_model.double_blocks.0.img_attn.qkv")!;
  const sizesOf = (own: AdapterModule, rows = FLUX1.rows, of = weight) =>
    splitModule(own, of, rows)?.map(({ part, own: { out } }) => [part.name, out]) ?? null;

  it("cuts the rows of B, and keeps A", () => {
    const whole = module("qkv", 6, "a");
    expect(splitModule(whole, weight, FLUX1.rows)).toEqual(
      weight.parts.map((part, i) => ({ part, own: { ...whole, out: 2, b: cutPlain(strided(whole.b), 2 * i, 2) } })),
    );
  });

  it("leaves out parts whose rows are all zero", () => {
    const whole = module("qkv", 6, "a");
    const b = composed(1, 6, [{ factor: cutPlain(strided(whole.b), 0, 2), unit: 0, entry: 2, times: 1 }]);
    expect(splitModule({ ...whole, b }, weight, FLUX1.rows)).toEqual([
      { part: weight.parts[1], own: { ...whole, out: 2, b: cutPlain(strided(whole.b), 0, 2) } },
    ]);
  });

  const NARROW = { q: 3, k: 1, v: 1 };
  it.each([
    ["queries as wide as the model, keys and values a third", 6, 10, [6, 2, 2]],
    ["keys and values of another width, which share the rest", 6, 8, [6, 1, 1]],
  ])("finds %s", (_, inputs, out, sizes) => {
    const parts = ["q", "k", "v"].map((part, i) => [part, sizes[i]]);
    expect(sizesOf(module("qkv", out, "a", 1, inputs), NARROW)).toEqual(parts);
  });

  it("takes equal shares where the table has them, however wide the model is", () => {
    expect(sizesOf(module("qkv", 18, "a", 1, 4))).toEqual(["q", "k", "v"].map((part) => [part, 6]));
  });

  it("takes the table's shares where a part is larger than the queries", () => {
    const { weight: linear1 } = placeOf(FLUX1, LINEAR1)!;
    const parts = { q: 2, k: 1, v: 1, mlp: 8 };
    expect(sizesOf(module("linear1", 12, "a"), parts, linear1)).toEqual(Object.entries(parts));
  });

  it.each([
    ["are no multiple of three", 7, FLUX1.rows, 2],
    ["leave an odd number for keys and values", 9, NARROW, 6],
    ["leave none for keys and values", 6, NARROW, 6],
    ["are fewer than the queries alone need", 4, NARROW, 6],
  ])("gives null where the rows %s", (_, out, rows, inputs) => {
    expect(sizesOf(module("qkv", out, "a", 1, inputs), rows)).toBeNull();
  });
});
