import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { LoraLegoError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { type DiskAdapter, openAdapters } from "../../src/node/input/adapter-path.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { memoryFolder } from "../support/memory-folder.ts";

const CORPUS = fileURLToPath(new URL("../../../shared/corpus", import.meta.url));
const absent = !existsSync(CORPUS);

/** A group of adapters by strangers, and the methods that do not take it, with what they say. */
interface Group {
  readonly names: readonly string[];
  /** Modules of the dense methods, which take long for each. */
  readonly few: string;
  readonly refusals: Readonly<Record<string, RegExp>>;
}

const MIXED_RANKS = /needs adapters of equal rank, but .* has rank \d in .* and \d in .*; bring them to one rank first/;
const NEED_EQUAL_RANKS = ["linear", "magnitude_prune", "ties", "dare_linear", "dare_ties", "robust_merge"];
const mixed = Object.fromEntries(NEED_EQUAL_RANKS.map((id) => [id, MIXED_RANKS]));
const three = Object.fromEntries(
  ["slerp", "nuslerp"].map((id) => [id, new RegExp(`^${id} merges 2 adapters, but 3 are given; pass 2`)]),
);

const GROUPS: readonly Group[] = [
  { names: ["gpt2-math", "gpt2-med", "gpt2-finance"], few: "h.0.**", refusals: three },
  { names: ["gemma-r4-qkvo", "gemma-r4-qv", "gemma-r8-qv"], few: "layers.0.**", refusals: { ...three, ...mixed } },
  { names: ["roberta-r4-bias-all", "roberta-r7"], few: "layer.0.**", refusals: mixed },
];

describe.skipIf(absent).each(GROUPS)(
  `adapters that strangers published, by every method${absent ? ` (skipped: there is no ${CORPUS})` : ""}: $names`,
  ({ names, few, refusals }) => {
    const opened: DiskAdapter[] = [];
    afterAll(() => {
      for (const { close } of opened) close();
    });

    it.each(METHODS.map(({ id, needs }) => ({ id, dense: needs.cut === true })))("$id", async ({ id, dense }) => {
      if (opened.length === 0) opened.push(...(await openAdapters(names.map((name) => join(CORPUS, name)))));
      const adapters = opened.map(({ adapter }) => adapter);
      const recipe = { method: id, extras: "drop", dtype: "f32", ...(dense && { include: [few] }) } as Recipe;
      const refusal = refusals[id];
      if (refusal !== undefined) {
        const merging = mergeInMemory(adapters, recipe);
        await expect(merging).rejects.toThrow(LoraLegoError);
        await expect(merging).rejects.toThrow(refusal);
        return;
      }
      const { report, plan, config, weights } = await mergeInMemory(adapters, recipe);
      const { totals } = report;
      expect(totals.normRatio).toBeGreaterThan(0.05);
      expect(totals.normRatio).toBeLessThan(20);
      const cosines = totals.cosines.filter((cosine) => cosine !== null);
      expect(cosines).toHaveLength(names.length);
      for (const cosine of cosines) expect(Math.abs(cosine)).toBeLessThanOrEqual(1);
      expect(Math.max(...cosines)).toBeGreaterThan(LEAST_COSINE[id] ?? 0.2);
      const files = { "adapter_config.json": JSON.stringify(config), "adapter_model.safetensors": weights };
      const merged = await openAdapter(memoryFolder("merged", files));
      expect(merged.modules.size).toBe(plan.modules.length);
      for (const { rank } of merged.modules.values()) expect(rank).toBe(plan.rank);
    });
  },
);

/** Methods that keep little of any adapter here: dc_merge a thousandth of the entries of each core, ct_merge few common directions. */
const LEAST_COSINE: Readonly<Record<string, number>> = { dc_merge: 0.02, ct_merge: 0.1 };
