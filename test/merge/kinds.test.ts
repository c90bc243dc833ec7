import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mergeToFolder } from "../../src/node/merge-adapters.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { tempFolder } from "../support/pico.ts";

const GOLDEN = new URL("../golden/consumers/kinds/", import.meta.url).pathname;

interface Facts {
  readonly versions: Readonly<Record<string, string>>;
  readonly merges: readonly {
    readonly id: string;
    readonly inputs: readonly string[];
    readonly recipe: Recipe;
    readonly sha256: readonly string[];
    readonly merged: readonly (readonly number[])[];
    readonly expected: readonly (readonly number[])[];
  }[];
}
const { versions, merges }: Facts = JSON.parse(readFileSync(join(GOLDEN, "facts.json"), "utf8"));

describe(`adapters of newer kinds in PEFT ${versions.peft}, merged (tools/consumers/kinds.mjs)`, () => {
  it.each(merges)("$id: the files that PEFT loaded, whose logits are as they must be (1e-5)", async (merge) => {
    const { inputs, recipe, sha256, merged, expected } = merge;
    const out = join(tempFolder(), "merged");
    const places = inputs.map((name) => join(GOLDEN, name));
    await mergeToFolder(places, recipe, { out, ...(recipe.dora && { base: join(GOLDEN, "base") }) });
    const hashes = ["adapter_config.json", "adapter_model.safetensors"].map((file) =>
      createHash("sha256")
        .update(readFileSync(join(out, file)))
        .digest("hex"),
    );
    expect(hashes).toEqual(sha256);
    for (const [i, row] of merged.entries()) {
      for (const [x, value] of row.entries()) expect(Math.abs(value - expected[i]![x]!)).toBeLessThan(1e-5);
    }
  });
});
