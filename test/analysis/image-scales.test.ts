import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkImageScales } from "../../src/analysis/checks/image-scales.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { encodeTensor } from "../support/pico.ts";

/** A file of UNet modules of rank 2, each with an alpha or none. */
function open(
  alphas: readonly (number | null)[],
  ends: readonly [down: string, up: string],
  metadata?: Record<string, string>,
): Promise<Adapter> {
  const kohya = ends[0].includes("down");
  const tensors = alphas.flatMap((alpha, i) => {
    const path = `mid_block.attentions.0.transformer_blocks.${i}.attn1.to_q`;
    const stem = kohya ? `lora_unet_${path.replaceAll(".", "_")}` : `unet.${path}`;
    return [
      encodeTensor(stem + ends[0], [[1], [1]]),
      encodeTensor(stem + ends[1], [[1, 1]]),
      ...(alpha === null ? [] : [encodeTensor(`${stem}.alpha`, alpha)]),
    ];
  });
  return openAdapter(memoryFolder("style", { "x.safetensors": encodeSafetensors(tensors, metadata) }));
}
const KOHYA = [".lora_down.weight", ".lora_up.weight"] as const;
const DIFFUSERS = [".lora_A.weight", ".lora_B.weight"] as const;

function said(adapter: Adapter, id: "comfyui" | "diffusers", seen = true) {
  const unseen: string[] = [];
  const findings = checkImageScales(adapter, consumerById(id), seen, unseen);
  return { findings: findings.map(({ level, text }) => `${level}: ${text}`), unseen };
}
const SAYS_NOTHING = { findings: [], unseen: [] };

describe("what check says of an image file's scales", () => {
  it.each([
    [[1, 1], "applies the scale alpha / rank: 0.5 for all modules."],
    [[0, 0], "applies the scale alpha / rank: 0 for all modules."],
    [[null, null], "applies the scale 1, because the file has no alpha."],
    [
      [1, 4, 1, null],
      "applies the scale alpha / rank: 0.5 for 2 modules, 2 for 1 module, 1 for 1 module; 1 module without alpha has 1.",
    ],
    [
      [1, null, null],
      "applies the scale alpha / rank: 1 for 2 modules, 0.5 for 1 module; 2 modules without alpha have 1.",
    ],
    [
      [1, 2, 3, 4, 5],
      "applies the scale alpha / rank: 0.5 for 1 module, 1 for 1 module, 1.5 for 1 module, and 2 more.",
    ],
  ])("is alpha / rank, or 1 without an alpha: %j", async (alphas, text) => {
    const adapter = await open(alphas, KOHYA);
    for (const [id, title] of [
      ["comfyui", "ComfyUI"],
      ["diffusers", "diffusers"],
    ] as const) {
      expect(said(adapter, id)).toEqual({ findings: [`note: ${title} ${text}`], unseen: [] });
      expect(said(adapter, id, false)).toEqual(SAYS_NOTHING);
    }
  });

  it("is another one where they stand in metadata, which only diffusers reads", async () => {
    const config = (alpha: number) => ({
      lora_adapter_metadata: JSON.stringify({ "unet.r": 2, "unet.lora_alpha": alpha }),
    });
    const adapter = await open([null, null], DIFFUSERS, config(6));
    expect(said(adapter, "diffusers", false).findings).toEqual([
      "note: diffusers takes the scales from lora_adapter_metadata: 3 for all modules.",
    ]);
    const [first, ...others] = said(adapter, "comfyui", false).findings;
    expect(first).toMatch(
      /^differs: ComfyUI does not read lora_adapter_metadata, .* instead of 3; convert it to kohya\.$/,
    );
    expect(others).toEqual([]);
    expect(said({ ...adapter, variants: [{ id: "dora", text: "is a DoRA." }] }, "comfyui").findings[0]).toMatch(
      /; load it in diffusers\.$/,
    );
    expect(said(await open([null], DIFFUSERS, config(2)), "comfyui")).toEqual(SAYS_NOTHING);
  });

  it("is not known for alphas in diffusers' own files there, but in ComfyUI", async () => {
    const adapter = await open([1], DIFFUSERS);
    expect(said(adapter, "diffusers")).toEqual({
      findings: [],
      unseen: [expect.stringMatching(/^whether diffusers [\d.]+ applies \.alpha tensors, such as that of unet\./)],
    });
    expect(said(adapter, "comfyui").findings).toEqual([
      "note: ComfyUI applies the scale alpha / rank: 0.5 for all modules.",
    ]);
    expect(said(await open([2], DIFFUSERS), "diffusers").findings).toEqual([
      "note: diffusers applies the scale alpha / rank: 1 for all modules.",
    ]);
  });
});
