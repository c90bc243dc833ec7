import { expect, it } from "vitest";
import { linear, openPeft } from "../../support/memory-folder.ts";

it("the family of a PEFT folder is that of names as merges write them, and open where some are PEFT's own", async () => {
  const own = linear("diffusion_model.single_blocks.0.linear2", 2, 20, 4);
  const other = linear("transformer.single_transformer_blocks.1.proj_out", 2, 20, 4);
  expect((await openPeft(own)).families).toContain("flux1");
  expect((await openPeft([...own, ...other])).families).toEqual([]);
});
