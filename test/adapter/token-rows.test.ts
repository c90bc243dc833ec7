import { describe, expect, it } from "vitest";
import { tokenRowsOf } from "../../src/adapter/token-rows.ts";

const EMBED = "model.embed_tokens";
const delta = (module: string, shape: readonly number[]) => ({
  name: `${module}.token_adapter.trainable_tokens_delta`,
  file: 0,
  dtype: "F32" as const,
  shape,
  begin: 0,
  end: 0,
});
const found = (shapes: Readonly<Record<string, readonly number[]>>, tokens: Readonly<Record<string, number[]>>) =>
  tokenRowsOf(new Map(Object.entries(shapes).map(([module, shape]) => [module, delta(module, shape)])), {
    tokenIndices: new Map(Object.entries(tokens)),
  });
const incomplete = (text: string) => [{ id: "incomplete", of: "token_indices", text }];

describe("trained rows of tokens", () => {
  it("have each the tokens that the config gives their embedding", () => {
    const { rows, others, variants } = found(
      { [EMBED]: [2, 3], lm_head: [1, 3] },
      { lm_head: [4], embed_tokens: [7, 5] },
    );
    expect(Array.from(rows, ([module, { indices }]) => [module, indices])).toEqual([
      [EMBED, [7, 5]],
      ["lm_head", [4]],
    ]);
    expect(others.size).toBe(0);
    expect(variants).toEqual([
      {
        id: "token_indices",
        text: "trains single token embeddings (trainable_token_indices), which lora-lego writes into PEFT folders only; keep it in one, fuse it into its base model, or leave the rows out with --extras drop.",
      },
    ]);
  });

  it("are those of any embedding where the config names none", () => {
    expect([...found({ [EMBED]: [2, 3] }, { "": [7, 5] }).rows.keys()]).toEqual([EMBED]);
  });

  it.each([
    ["not a matrix", [2, 3, 1], { embed_tokens: [7, 5] }, "(2, 3, 1), but its config names 2 tokens for it"],
    ["more than the tokens", [3, 3], { embed_tokens: [7, 5] }, "(3, 3), but its config names 2 tokens for it"],
    ["of another embedding", [1, 3], { "2.embed_tokens": [7] }, "(1, 3), but its config names 0 tokens for it"],
  ])("are refused where they are %s", (_, shape, tokens, words) => {
    const { rows, others, variants } = found({ [EMBED]: shape }, tokens);
    const { name } = delta(EMBED, shape);
    expect([rows.size, ...others.keys()]).toEqual([0, name]);
    expect(variants).toEqual(
      incomplete(
        `trains single token embeddings (trainable_token_indices), and ${name} is ${words}; save the adapter again, or pass the config that belongs to it.`,
      ),
    );
  });

  it("are named by their tensor where the config says nothing of them", () => {
    const { name } = delta(EMBED, []);
    expect(found({ [EMBED]: [2, 3] }, {}).variants).toEqual(
      incomplete(
        `trains single token embeddings (tensor ${name}), and ${name} is (2, 3), but its config names 0 tokens for it; save the adapter again, or pass the config that belongs to it.`,
      ),
    );
  });

  it("are missing where the config alone speaks of them", () => {
    expect(found({}, { lm_head: [1] }).variants[0]!.text).toContain("and its file holds no trained rows for lm_head;");
    expect(found({}, {}).variants).toEqual([]);
  });
});
