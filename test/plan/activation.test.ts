import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { writerOf } from "../../src/convert/convert.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { memoryFolder, rejection } from "../support/memory-folder.ts";
import { openPico } from "../support/pico.ts";
import { written } from "../support/written.ts";

const activated = (name: string, tokens: readonly number[], more: object = {}) =>
  openPico(name, {
    modules: { q: { A: [[1, 2]], B: [[1], [0]] } },
    config: { ...(tokens.length > 0 && { alora_invocation_tokens: tokens }), ...more },
  });
const merged = async (lists: readonly (readonly number[])[], recipe: Recipe = { method: "ties" }) =>
  mergeInMemory(await Promise.all(lists.map((tokens, t) => activated(`adapter-${t}`, tokens))), recipe);

describe("activated LoRAs (alora_invocation_tokens)", () => {
  it("keep the tokens that all of them have", async () => {
    const { config } = await merged([
      [7, 2],
      [7, 2],
    ]);
    expect(config.alora_invocation_tokens).toEqual([7, 2]);
    expect((await merged([[], []])).config).not.toHaveProperty("alora_invocation_tokens");
  });

  it("are refused where their tokens differ, or others act on all tokens", async () => {
    const differing = [
      [7, 2],
      [2, 7],
    ];
    expect((await rejection(merged(differing))).message).toBe(
      "adapter-0 acts after the tokens 7, 2 and adapter-1 after the tokens 2, 7 (alora_invocation_tokens), but a merged adapter has one rule for all its units; merge adapters with the same tokens.",
    );
    expect((await rejection(merged([[7], []]))).message).toMatch(/adapter-1 on all tokens .*; merge adapters with/);
    expect((await merged([[7], []], { method: "cat", weights: [1, 0] })).config.alora_invocation_tokens).toEqual([7]);
  });

  it("are refused for programs that would apply them to all tokens", async () => {
    expect((await rejection(merged([[7]], { for: "sglang" }))).message).toMatch(/SGLang does not know activated LoRAs/);
    expect((await merged([[7]], { for: "peft" })).config.alora_invocation_tokens).toEqual([7]);
  });

  it("stay what they are in a conversion to PEFT, and are refused by formats without tokens", async () => {
    const one = await activated("one", [7, 2], { ensure_weight_tying: true });
    const again = await openAdapter(memoryFolder("again", await written(one, "peft")));
    expect(again.invocationTokens).toEqual([7, 2]);
    expect(again.tiesWeights).toBe(true);
    const kohya = await writerOf("kohya");
    expect(() => kohya.convert(one, null)).toThrow(/^one is an activated LoRA .*; keep it in one of these/);
  });

  it("keep that a tied head follows the embedding, where all adapters say so", async () => {
    const ties = (name: string, flag: boolean) => activated(name, [], { ensure_weight_tying: flag });
    const both = await mergeInMemory([await ties("a", true), await ties("b", true)], { method: "cat" });
    expect(both.config.ensure_weight_tying).toBe(true);
    const one = await mergeInMemory([await ties("a", true), await ties("b", false)], { method: "cat" });
    expect(one.config).not.toHaveProperty("ensure_weight_tying");
    const said = ({ report }: typeof one) => report.warnings.filter(({ id }) => id === "different-tying");
    expect(said(both)).toEqual([]);
    expect(said(one)[0]!.text).toMatch(/^a says that a head tied .* and b does not, so the result leaves the head/);
  });
});
