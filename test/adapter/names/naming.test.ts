import { describe, expect, it } from "vitest";
import { namingOf } from "../../../src/adapter/names/naming.ts";
import { FormatError, RefusedError } from "../../../src/core/errors.ts";
import { DENOISERS } from "../../../src/families/families.ts";

/** Flux.1's last modulation in diffusers' names, with a module that only Flux.1's table has beside it. */
const modulation = (out: number) => [
  { name: "transformer.norm_out.linear", in: 24, out },
  { name: "transformer.single_transformer_blocks.0.norm.linear", in: 24, out: 72 },
];

describe("a weight whose halves diffusers swaps", () => {
  it("is refused with an odd number of rows", () => {
    expect(() => namingOf(modulation(49))).toThrow(FormatError);
    expect(() => namingOf(modulation(49))).toThrow(/^transformer\.norm_out\.linear has 49 rows, but .* two halves/);
  });

  it.each([
    ["short, of two rows for each input", 48, true],
    ["long", 144, false],
  ])("is swapped by its size where the table says so: %s", (_, out, swapped) => {
    const name = "transformer.transformer_blocks.23.norm1_context.linear";
    const { nameOf, nameOfRows } = namingOf([{ name, in: 24, out }], new Map([["modelspec.architecture", "sd3"]]));
    expect(nameOf(name)).toBe("diffusion_model.joint_blocks.23.context_block.adaLN_modulation.1");
    if (swapped) expect(() => nameOfRows(name)).toThrow(/has its halves the other way round/);
    else expect(nameOfRows(name)).toBe(nameOf(name));
  });

  it("takes no DoRA magnitude or bias, whose rows would stand the other way round", () => {
    const { nameOf, nameOfRows } = namingOf(modulation(48));
    const [swapped, plain] = modulation(48).map(({ name }) => name) as [string, string];
    expect(nameOf(swapped)).toBe("diffusion_model.final_layer.adaLN_modulation.1");
    expect(() => nameOfRows(swapped)).toThrow(RefusedError);
    expect(nameOfRows(plain)).toBe(nameOf(plain));
    // Two rows for each input are nothing to a weight that is never swapped.
    const short = [
      { name: swapped, in: 24, out: 48 },
      { name: plain, in: 24, out: 48 },
    ];
    expect(namingOf(short).nameOfRows(plain)).toBe(nameOf(plain));
    expect(nameOfRows("not there")).toBe("not there");
  });
});

describe("the parts of a pipeline", () => {
  const named = (name: string, inputs: number, out: number) => ({ name, in: inputs, out });
  const names = (...modules: ReturnType<typeof named>[]) => {
    const { nameOf } = namingOf(modules);
    return modules.map(({ name }) => nameOf(name));
  };

  it("keep the second transformer of Wan 2.2 apart from the first, in the same names", () => {
    const attention = named("transformer_2.blocks.0.attn1.to_q", 5120, 5120);
    const first = named("transformer.blocks.39.attn1.to_q", 5120, 5120);
    expect(names(attention, first)).toEqual([
      "transformer_2.blocks.0.self_attn.q",
      "diffusion_model.blocks.39.self_attn.q",
    ]);
  });

  it("call T5 the third text encoder where it is the second of Flux.1, and the first where it is the only one", () => {
    const query = "encoder.block.0.layer.0.SelfAttention.q";
    const [second, only] = [`text_encoder_2.${query}`, `text_encoder.${query}`];
    expect(names(named(second, 4096, 4096))).toEqual([`text_encoder_3.${query}`]);
    expect(names(named(only, 4096, 4096))).toEqual([only]);
  });

  it("are renamed beside a language model, which is no denoiser", () => {
    const [linear2, language] = ["transformer.single_transformer_blocks.0.proj_out", "transformer.h.0.attn.c_attn"];
    expect(names(named(linear2, 15360, 3072), named(language, 768, 2304))).toEqual([
      "diffusion_model.single_blocks.0.linear2",
      language,
    ]);
  });
});

it("names without a component are not enough where another kind of model may have them", () => {
  // A vision transformer.
  const modules = [
    { name: "blocks.0.attn.qkv", in: 768, out: 2304 },
    { name: "blocks.0.attn.proj", in: 768, out: 768 },
    { name: "blocks.0.mlp.fc1", in: 768, out: 3072 },
  ];
  expect(namingOf(modules, new Map(), DENOISERS, true).families).toEqual([]);
});
