import { expect, it } from "vitest";
import { numberedList } from "../../../src/adapter/names/numbered.ts";

it("a name that is only an index tells its list, and a module's name tells none", () => {
  const names = ["unet:12", "text_encoder:0", "w_003", "w_12", "unet.12", "model.layers.0.q_proj"];
  expect(names.map(numberedList)).toEqual(["unet", "text_encoder", "w", null, null, null]);
});
