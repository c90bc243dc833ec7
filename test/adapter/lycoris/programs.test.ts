import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { consumerById } from "../../../src/adapter/consumers.ts";
import { checkOpened } from "../../../src/analysis/check.ts";
import { deltaOf, type LycorisTensors, openLycoris } from "../../support/lycoris.ts";
import { relativeError } from "../../support/pico.ts";

interface Case {
  readonly name: string;
  readonly alpha: number | null;
  readonly tensors: LycorisTensors;
  /** Whether ComfyUI applies it; its delta is LyCORIS' where not. */
  readonly comfyui: boolean;
  readonly delta: readonly number[];
}

/** Written by tools/consumers/lycoris_deltas.py. */
const { cases }: { readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("../../golden/consumers/lycoris.json", import.meta.url), "utf8"),
);
const tensorsOf = ({ tensors, alpha }: Case): LycorisTensors => (alpha === null ? tensors : { ...tensors, alpha });

describe("tensors of LyCORIS, as ComfyUI and LyCORIS apply them", () => {
  it.each(cases.map((one) => [one.name, one] as const))("%s: the same delta", async (_, one) => {
    const { delta } = await deltaOf(tensorsOf(one));
    expect(delta.length).toBe(one.delta.length);
    if (one.delta.some((value) => value !== 0)) {
      expect(relativeError(delta, Float64Array.from(one.delta))).toBeLessThan(1e-6);
    } else expect(delta.every((value) => value === 0)).toBe(true);
  });

  it.each(cases.map((one) => [one.name, one] as const))("%s: check says whether ComfyUI applies it", async (_, one) => {
    const { findings } = checkOpened(await openLycoris(tensorsOf(one)), consumerById("comfyui"));
    const left = findings.filter(({ level }) => level === "differs" || level === "fails");
    expect(left.length).toBe(one.comfyui ? 0 : 1);
    if (!one.comfyui)
      expect(left[0]!.text).toMatch(/leaves out LoKr with lokr_t2 \(such as lora_unet_x;.*write plain LoRA/);
  });
});
