import { describe, expect, it } from "vitest";
import { familiesOf, type SizedName } from "../../../src/adapter/names/family-of.ts";
import { DENOISERS } from "../../../src/families/families.ts";
import { FLUX1 } from "../../../src/families/flux1.ts";

/** The path of modules, # for the number of a block, with their number and sizes. */
type List = readonly [path: string, blocks: number, inputs: number, out: number];

function modules(lists: readonly List[]): SizedName[] {
  return lists.flatMap(([path, blocks, inputs, out]) =>
    Array.from({ length: blocks }, (_, i) => ({
      spelled: { part: "denoiser", beginning: "", path: path.replace("#", String(i)), underscored: false },
      in: inputs,
      out,
    })),
  );
}
/** Families by names and sizes where names are never enough. */
const bySize = (...lists: readonly List[]): string[] =>
  familiesOf(modules(lists), "", DENOISERS, true).map(({ id }) => id);
const byName = (said: string, ...lists: readonly List[]): string[] =>
  familiesOf(modules(lists), said).map(({ id }) => id);

const QKV = "double_blocks.#.img_attn.qkv";
const LINEAR1 = "single_blocks.#.linear1";
const QUERIES = "single_blocks.#.linear1.q";
const WIDTH = 3072;

describe("the families of a denoiser's modules", () => {
  it("are none without modules, and none for a weight that no family has", () => {
    expect([byName(""), byName("", ["nothing.#", 1, 8, 8])]).toEqual([[], []]);
    // A file of a text encoder alone, where a merge asks for one family.
    expect(familiesOf([], "", [FLUX1])).toEqual([]);
  });

  it("are those of published models with as many blocks of each kind", () => {
    expect(bySize([QKV, 19, WIDTH, 3 * WIDTH], [LINEAR1, 38, WIDTH, 7 * WIDTH])).toEqual(["flux1", "chroma"]);
    expect(bySize([QKV, 20, WIDTH, 3 * WIDTH], [LINEAR1, 40, WIDTH, 7 * WIDTH])).toEqual(["hunyuan-video"]);
  });

  it.each<[string, List, List]>([
    ["one kind of blocks is not complete", [QKV, 19, WIDTH, 3 * WIDTH], [QUERIES, 5, WIDTH, WIDTH]],
    ["the queries of one module have another width", [QKV, 19, WIDTH, 3 * WIDTH], [QUERIES, 38, 1024, 1024]],
    ["they are too narrow for a published model", [QKV, 19, 24, 72], [LINEAR1, 38, 24, 168]],
    [
      "no blocks are among them but those of another part",
      ["txt_in.individual_token_refiner.blocks.#.self_attn.qkv", 2, WIDTH, 3 * WIDTH],
      ["txt_in.individual_token_refiner.blocks.#.self_attn.proj", 2, WIDTH, WIDTH],
    ],
    ["no query tells a width", ["double_blocks.#.img_attn.proj", 19, WIDTH, WIDTH], [LINEAR1, 38, WIDTH, 7 * WIDTH]],
  ])("are open by size where %s", (_, one, other) => {
    expect(bySize(one, other)).toEqual([]);
  });

  it("are none by their names where a published model has fewer blocks of one kind", () => {
    expect(byName("", [QKV, 19, WIDTH, 3 * WIDTH], [QUERIES, 10, WIDTH, WIDTH])).toContain("flux1");
    expect(byName("", [QKV, 60, WIDTH, 3 * WIDTH], [QUERIES, 10, WIDTH, WIDTH])).toEqual([]);
  });

  it("are those of these names at a width below that of published models", () => {
    expect(byName("", [QKV, 60, 255, 765], [QUERIES, 10, 24, 24])).toContain("flux1");
    expect(byName("", [QKV, 60, 256, 768], [QUERIES, 10, 24, 24])).toEqual([]);
  });

  it("are told by the shape of a whole weight", () => {
    expect(byName("", [LINEAR1, 1, 24, 168])).toEqual(["flux1", "hunyuan-video", "chroma"]);
    expect(byName("", [LINEAR1, 1, 24, 216])).toEqual(["flux2"]);
    // The MLP beside the attention's outputs is four times as wide in Flux.1, and three times in Flux.2.
    const linear2 = "single_blocks.#.linear2";
    expect(byName("", [linear2, 1, 120, 24])).toEqual(["flux1", "hunyuan-video", "chroma"]);
    expect(byName("", [linear2, 1, 96, 24])).toEqual(["flux2"]);
  });

  it("are no matter of metadata where their table knows no words for them", () => {
    const unet: List = ["down_blocks.#.resnets.0.conv1", 1, 320, 320];
    expect([byName("flux1", unet), byName("", unet)]).toEqual([["unet"], ["unet"]]);
  });

  it("are the family of a name at any width, where it has no list of published models", () => {
    const query: List = ["down_blocks.#.attentions.0.transformer_blocks.0.attn1.to_q", 1, 320, 320];
    expect(byName("", query)).toEqual(["unet"]);
    expect(bySize(query)).toEqual([]);
  });
});
