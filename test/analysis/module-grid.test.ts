import { expect, it } from "vitest";
import { moduleGrid } from "../../src/analysis/module-grid.ts";

it("has a row for each layer in natural order and a column for each kind, null where there is none", () => {
  expect(moduleGrid(["model.layers.10.mlp.up", "model.layers.2.mlp.up", "model.layers.2.attn.q"])).toEqual({
    layers: ["2", "10"],
    kinds: ["mlp.up", "attn.q"],
    cells: [
      ["model.layers.2.mlp.up", "model.layers.2.attn.q"],
      ["model.layers.10.mlp.up", null],
    ],
  });
});

it("keeps layers of different parts of a model apart", () => {
  const { layers, kinds } = moduleGrid(["te.layers.0.q", "unet.down.0.q", "lm_head"]);
  expect(layers).toEqual(["-", "te.layers.0", "unet.down.0"]);
  expect(kinds).toEqual(["q", "lm_head"]);
});

it("takes colons for dots, and calls the kind of a layer that is one module all", () => {
  expect(moduleGrid(["unet:0", "unet:1"])).toEqual({
    layers: ["0", "1"],
    kinds: ["all"],
    cells: [["unet:0"], ["unet:1"]],
  });
});
