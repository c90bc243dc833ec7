import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { foundNames } from "../../src/analysis/checks/found-names.ts";
import { familyById } from "../../src/families/families.ts";
import type { Weight } from "../../src/families/family.ts";

/** What the programs' own code found (tools/consumers/families.py), by program and family. */
type Facts = Record<
  "comfyui" | "diffusers",
  Record<string, { weights: string[]; ways: Record<string, { all: [number, number]; blocks: [number, number] }> }>
>;
const FACTS: Facts = JSON.parse(readFileSync(new URL("../golden/consumers/families.json", import.meta.url), "utf8"));

/** The ways of the facts: beginning, whose paths, underscores for dots, ending of B. */
const STYLES: Readonly<
  Record<string, readonly [string, "own" | "original" | "numbered" | "diffusers", boolean, string]>
> = {
  "lora_unet_ own": ["lora_unet_", "own", true, ".lora_up.weight"],
  "lora_unet__ own": ["lora_unet__", "own", true, ".lora_up.weight"],
  "lora_unet_ original": ["lora_unet_", "original", true, ".lora_up.weight"],
  "diffusion_model. own": ["diffusion_model.", "own", false, ".lora_B.weight"],
  "diffusion_model. own down": ["diffusion_model.", "own", false, ".lora_up.weight"],
  "diffusion_model. original": ["diffusion_model.", "original", false, ".lora_B.weight"],
  "transformer. own": ["transformer.", "own", false, ".lora_B.weight"],
  "transformer. original": ["transformer.", "original", false, ".lora_B.weight"],
  "bare own": ["", "own", false, ".lora_B.weight"],
  "diffusion_model. numbered": ["diffusion_model.", "numbered", false, ".lora_up.weight"],
  "transformer. diffusers": ["transformer.", "diffusers", false, ".lora_B.weight"],
  "diffusion_model. diffusers": ["diffusion_model.", "diffusers", false, ".lora_B.weight"],
  "bare diffusers": ["", "diffusers", false, ".lora_B.weight"],
  "lora_unet_ diffusers": ["lora_unet_", "diffusers", true, ".lora_up.weight"],
  "lora_transformer_ diffusers": ["lora_transformer_", "diffusers", true, ".lora_up.weight"],
  "lycoris_ diffusers": ["lycoris_", "diffusers", true, ".lora_up.weight"],
};
const BESIDE_BLOCKS = /_mod\.|mod\.1|modulation|adaLN|patch|embed|txt_in|distilled/;

function pathsOf({ path, also, diffusers, parts }: Weight, style: string): string[] {
  if (style === "original") return [also[0] ?? path];
  if (style === "own" || (style === "numbered" && parts.length === 0)) return [path];
  if (style === "numbered") return parts.map((_, i) => `${path}.${i}`);
  return parts.length > 0 ? parts.map((part) => part.diffusers) : diffusers === null ? [] : [diffusers];
}

const CELLS = (["comfyui", "diffusers"] as const).flatMap((program) =>
  Object.entries(FACTS[program]).flatMap(([family, { weights, ways }]) =>
    Object.keys(STYLES).flatMap((style) =>
      (["all", "blocks"] as const).map((scope) => ({
        program,
        family,
        style,
        scope,
        weights,
        fact: ways[style]![scope],
      })),
    ),
  ),
);

describe("what check says of names", () => {
  it.each(CELLS)(
    "is what $program found of $family in $style ($scope), or nothing",
    ({ program, family, style, scope, weights, fact: [right, of] }) => {
      const [beginning, paths, underscored, ending] = STYLES[style]!;
      const known = familyById(family).weights.filter(
        ({ path }) => weights.includes(path) && (scope === "all" || (path.includes("#") && !BESIDE_BLOCKS.test(path))),
      );
      const stems = new Map<string, string>();
      let whole = 0;
      for (const weight of known) {
        for (const number of weight.path.includes("#") ? [0, 1] : [0]) {
          const own = pathsOf(weight, paths).map((path) => path.replaceAll("#", String(number)));
          if (own.length > 0) whole++;
          for (const path of own) stems.set(`x.${path}`, beginning + (underscored ? path.replaceAll(".", "_") : path));
        }
      }
      const modules = new Map(Array.from(stems, ([name, stem]) => [name, { name, b: { name: stem + ending } }]));
      const said = foundNames({ families: [family], modules }, program);
      // Of ComfyUI every way is known.
      if (program === "comfyui") expect(said).not.toBeNull();
      if (said === null) return;
      expect(said.of).toBe(modules.size);
      // Weights that one of the two models lacks in a block are no matter here.
      if (whole === of && whole === modules.size) expect(said.found).toBe(right);
      if (said.lost === null) expect(right).toBe(of);
      if (said.found === 0) expect(right).toBe(0);
    },
  );

  it("covers every family in the names that lora-lego writes", () => {
    for (const [family, { ways }] of Object.entries(FACTS.comfyui))
      expect([family, ...ways["lora_unet_ own"]!.all]).toEqual([
        family,
        ways["lora_unet_ own"]!.all[1],
        ways["lora_unet_ own"]!.all[1],
      ]);
    for (const [family, { ways }] of Object.entries(FACTS.diffusers))
      expect([family, ...ways["transformer. diffusers"]!.all]).toEqual([
        family,
        ways["transformer. diffusers"]!.all[1],
        ways["transformer. diffusers"]!.all[1],
      ]);
  });
});

it("says nothing where several families are possible that ComfyUI treats differently", () => {
  const name = "diffusion_model.double_blocks.0.img_attn.proj";
  const modules = new Map([
    [name, { name, b: { name: "transformer.transformer_blocks.0.attn.to_out.0.lora_B.weight" } }],
  ]);
  expect(foundNames({ families: ["flux1"], modules }, "comfyui")).toEqual({ found: 1, of: 1, lost: null });
  expect(foundNames({ families: ["hunyuan-video"], modules }, "comfyui")).toMatchObject({ found: 0, of: 1 });
  expect(foundNames({ families: ["flux1", "hunyuan-video"], modules }, "comfyui")).toBeNull();
  expect(foundNames({ families: ["flux1", "chroma"], modules }, "comfyui")).toMatchObject({ found: 1 });
});
