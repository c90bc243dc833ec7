import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { openAdapters } from "../../src/node/input/adapter-path.ts";

const corpus = fileURLToPath(new URL("../../../shared/corpus", import.meta.url));
const GROUPS = {
  gpt2: { adapters: ["gpt2-math", "gpt2-med", "gpt2-finance"], rank: 8 },
  gemma: { adapters: ["gemma-r4-qv", "gemma-r8-qv", "gemma-r4-qkvo"], rank: 8 },
  roberta: { adapters: ["roberta-r4-bias-all", "roberta-r7"], rank: 7 },
};
const SEEDS = 10;

if (!existsSync(corpus)) console.warn(`skipped: the real adapters of ${corpus} are not here`);

describe.skipIf(!existsSync(corpus) || readdirSync(corpus).length === 0)("clustering of real adapters", () => {
  it.each(Object.entries(GROUPS))(
    "%s: 10 seeds reach the same objective on at least 95%% of the modules",
    async (_, group) => {
      const opened = await openAdapters(group.adapters.map((name) => join(corpus, name)));
      const adapters = opened.map(({ adapter }) => adapter);
      const bySeed: number[][] = [];
      for (let seed = 0; seed < SEEDS; seed++) {
        const recipe = {
          method: "lego",
          options: { seed },
          target: { kind: "rank", rank: group.rank },
          extras: "drop",
        } as const;
        bySeed.push((await mergeInMemory(adapters, recipe)).report.modules.map(({ inertia }) => inertia!));
      }
      for (const { close } of opened) close();
      const modules = bySeed[0]!.length;
      const alike = bySeed[0]!.filter((_value, m) => {
        const values = bySeed.map((inertias) => inertias[m]!);
        return Math.max(...values) - Math.min(...values) <= 1e-6 * Math.max(...values);
      });
      expect(alike.length / modules).toBeGreaterThanOrEqual(0.95);
    },
  );
});
