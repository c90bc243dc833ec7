import { expect, it } from "vitest";
import { blockGrid, moduleGrid } from "../../src/analysis/module-grid.ts";

it("has a row for each layer in natural order and a column for each kind, empty where there is none", () => {
  expect(moduleGrid(["model.layers.10.mlp.up", "model.layers.2.mlp.up", "model.layers.2.attn.q"])).toEqual({
    layers: ["2", "10"],
    kinds: ["mlp.up", "attn.q"],
    cells: [
      [["model.layers.2.mlp.up"], ["model.layers.2.attn.q"]],
      [["model.layers.10.mlp.up"], []],
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
    cells: [[["unet:0"]], [["unet:1"]]],
  });
});

it("puts the modules of an image model's block together by kind, and others in rows of their own", () => {
  const modules = [
    { name: "unet.down_blocks.0.attentions.0.to_q", block: "IN01" },
    { name: "unet.down_blocks.0.attentions.1.to_q", block: "IN01" },
    { name: "unet.down_blocks.0.attentions.1.to_out.0", block: "IN01" },
    { name: "unet.conv_in", block: null },
  ];
  expect(blockGrid(modules)).toEqual({
    layers: ["IN01", "unet.conv_in"],
    kinds: ["to_q", "to_out", "conv_in"],
    cells: [
      [[modules[0]!.name, modules[1]!.name], [modules[2]!.name], []],
      [[], [], ["unet.conv_in"]],
    ],
  });
});
