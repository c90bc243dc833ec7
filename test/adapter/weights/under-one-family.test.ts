import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { inFamily } from "../../../src/adapter/weights/in-family.ts";
import { commonFamilies, underOneFamily } from "../../../src/adapter/weights/under-one-family.ts";
import { FLUX1 } from "../../../src/families/flux1.ts";
import { openConstant, type Sizes } from "../../support/constant-file.ts";
import { openFile } from "../../support/open-file.ts";
import { encodeTensor } from "../../support/pico.ts";
import { unitModule } from "../../support/unit-module.ts";

const QKV = "diffusion_model.double_blocks.0.img_attn.qkv";
const LINEAR1 = "diffusion_model.single_blocks.0.linear1";
const IMG_IN = "diffusion_model.img_in";
const SAID = { ss_base_model_version: "flux1" };

/** A file that says it is of Flux.1. */
const flux = (name: string, sizes: Sizes): Promise<Adapter> => openConstant(name, sizes, undefined, SAID);
/** Modules of one A, with two inputs and outputs. */
function sharing(modules: readonly string[]): Promise<Adapter> {
  const tensors = modules.flatMap((module) => [
    encodeTensor(`${module}.lora_A.weight`, [[1, 2]]),
    encodeTensor(`${module}.lora_B.weight`, [[1], [1]]),
  ]);
  return openFile(tensors, SAID);
}
const namesOf = (adapters: readonly Adapter[]) => adapters.map(({ modules }) => [...modules.keys()].sort());
const parts = (whole: string): Sizes =>
  Object.fromEntries(["q", "k", "v"].map((part) => [`${whole}.${part}`, [2, 2]] as const));

describe("commonFamilies", () => {
  it("are those of all adapters whose family is known", () => {
    const of = (...families: string[]) => ({ families });
    expect(commonFamilies([of("flux1", "chroma"), of(), of("chroma", "sd3")])).toEqual(["chroma"]);
    expect(commonFamilies([of("flux1"), of("sd3")])).toEqual([]);
    expect(commonFamilies([of(), of()])).toEqual([]);
  });
});

describe("underOneFamily", () => {
  it("stacks the parts of a weight that another adapter has whole, and of no other weight", async () => {
    const split = await flux("split", { ...parts(QKV), ...parts(LINEAR1), [IMG_IN]: [2, 2] });
    const whole = await flux("whole", { [QKV]: [2, 6] });
    const names = [QKV, ...Object.keys(parts(LINEAR1)), IMG_IN].sort();
    expect(namesOf(underOneFamily([split, whole], [true, true]))).toEqual([names, [QKV]]);
    expect(namesOf(underOneFamily([whole, split], [true, true]))).toEqual([[QKV], names]);
  });

  it("stacks parts that share A, but neither those that do not nor a single one", async () => {
    const pair = await sharing([`${QKV}.q`, `${QKV}.k`, `${LINEAR1}.v`]);
    expect(namesOf(underOneFamily([pair], [true]))).toEqual([[QKV, `${LINEAR1}.v`]]);
    const apart = await flux("apart", parts(QKV));
    expect(underOneFamily([apart], [true])[0]).toBe(apart);
  });

  it("gives back adapters in which no weight is whole that others split", async () => {
    const plain = await flux("plain", { [IMG_IN]: [2, 2], "text_encoder.odd": [2, 2] });
    const split = await flux("split", parts(QKV));
    for (const [i, own] of underOneFamily([plain, split], [true, true]).entries()) expect(own).toBe([plain, split][i]);
  });

  it("lets the adapters that do not count follow, and decide nothing", async () => {
    const split = await flux("split", parts(QKV));
    const whole = await flux("whole", { [QKV]: [2, 6] });
    expect(namesOf(underOneFamily([split, whole], [false, true]))).toEqual([[QKV], [QKV]]);
    expect(underOneFamily([split, whole], [true, false])[0]).toBe(split);
    // Without one that counts, whose family is known, nothing is renamed.
    const open = await openConstant("open", { "transformer.transformer_blocks.0.attn.to_q": [2, 2] });
    const given = [open, whole];
    expect(underOneFamily(given, [true, false])).toBe(given);
  });

  it("leaves an adapter alone that is of no family, though some of its names are", async () => {
    const other = await openConstant("other", { ...parts(QKV), "diffusion_model.nothing": [2, 2] });
    expect(other.families).toEqual([]);
    const whole = await flux("whole", { [QKV]: [2, 6] });
    expect(underOneFamily([other, whole], [true, true])[0]).toBe(other);
  });
});

describe("inFamily", () => {
  const bare = "single_blocks.0.linear2";
  const prefixed = "diffusion_model.single_blocks.1.linear2";
  const named = (...names: string[]) => {
    const modules = new Map(names.map((name) => [name, unitModule(name, 2, "a", 1, 10)]));
    return { name: "it", families: [] as readonly string[], modules, metadata: new Map<string, string>() };
  };

  it("gives an adapter back whose family is known", () => {
    const known = { ...named(bare), families: ["flux1"] };
    expect(inFamily(known)).toBe(known);
  });

  it("gives a language model back, which has no part of a pipeline", () => {
    const language = named("transformer.h.0.attn.c_attn");
    expect(inFamily(language)).toBe(language);
  });

  it("takes names of a denoiser's path alone only in a family that is asked for, for they could be any model's", () => {
    const alone = named(bare);
    expect(inFamily(alone)).toBe(alone);
    expect([...inFamily(alone, [FLUX1]).modules.keys()]).toEqual([`diffusion_model.${bare}`]);
  });

  it("takes names by themselves where one of them says that they are a denoiser's", () => {
    const { families, modules } = inFamily(named(bare, prefixed));
    expect(families).toContain("flux1");
    expect([...modules.keys()]).toEqual([`diffusion_model.${bare}`, prefixed]);
  });
});
