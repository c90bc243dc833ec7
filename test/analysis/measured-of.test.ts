import { expect, it } from "vitest";
import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import { measuredOf } from "../../src/analysis/measured-of.ts";

const set = {
  ...{ method: "tsv", options: { method: "tsv" }, weights: [1, 1, 1], rank: 6, ranks: new Set([6]) },
  modules: ["model.layers.0.self_attn.q_proj"],
};

it("shows what a method scored beside merges of the kind that was measured", () => {
  expect(measuredOf(set)).toBe(MEASURED_METHODS.tsv);
  expect(measuredOf({ ...set, weights: [1, 1, 1, 1], rank: 16, ranks: new Set([16]) })).toBe(MEASURED_METHODS.tsv);
  // As --method auto merges more adapters than ranks.
  const twice = { asMerged: 90.5, withFactor: 95.6, auto: true };
  expect(measuredOf({ ...set, rank: 12 })).toEqual(twice);
  expect(measuredOf({ ...set, weights: [1, 1, 1, 1, 1], rank: 8, ranks: new Set([4]) })).toEqual(twice);
});

it.each([
  ["at another rank than the adapters' and twice it", { rank: 9 }],
  ["at twice the rank, where no factor was computed", { method: "knots", options: { method: "knots" }, rank: 12 }],
  ["of adapters of several ranks", { ranks: new Set([6, 8]) }],
  ["of two adapters", { weights: [1, 1] }],
  ["with other weights", { weights: [5, 1, 0.1] }],
  ["with other options", { method: "ties", options: { density: 0.9 } }],
  ["of an image model", { modules: ["unet.down_blocks.0.attentions.0.proj_in"] }],
  ["by a method that was not measured", { method: "toString" }],
])("shows nothing of a merge %s", (_, other) => {
  expect(measuredOf({ ...set, ...other })).toBeNull();
});
