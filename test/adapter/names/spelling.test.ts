import { describe, expect, it } from "vitest";
import { clashOf } from "../../../src/adapter/names/spelling.ts";

const DOTS = "unet.odd_blocks.0.to_q";
const UNDERSCORES = "lora_unet_odd_blocks_0_to_q";

describe("two names for one weight", () => {
  it("are found, with the first adapters that have them", () => {
    expect(clashOf([[DOTS], [DOTS], [UNDERSCORES], [UNDERSCORES]])).toEqual({
      modules: [DOTS, UNDERSCORES],
      adapters: [0, 2],
    });
    expect(clashOf([[DOTS, UNDERSCORES]])).toEqual({ modules: [DOTS, UNDERSCORES], adapters: [0, 0] });
    expect(clashOf([[DOTS], [DOTS]])).toBeNull();
  });

  it("are told by the style of a denoiser's paths, even of different layers", () => {
    const [own, diffusers] = ["layers.0.feed_forward.w1", "layers.1.feed_forward.linear_1"];
    expect(clashOf([[`transformer.${own}`, `transformer.${diffusers}`]])).toMatchObject({ adapters: [0, 0] });
    // A text encoder is another model, which may have its own style.
    expect(clashOf([[`transformer.${diffusers}`, `text_encoder.${own}`]])).toBeNull();
  });

  it("are not looked for in parts of other kinds of models", () => {
    expect(clashOf([[DOTS, "prior.odd_blocks.0.to_q", "lora_prior_odd_blocks_0_to_q"]])).toBeNull();
  });
});
