import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternLookup } from "../../src/adapter/pattern.ts";
import { rankPatterns } from "../../src/formats/peft-folder/rank-patterns.ts";

interface Ranked {
  readonly name: string;
  readonly rank: number;
  readonly alpha: number;
}

function patternsOf(modules: readonly Ranked[], common: { rank: number; alpha: number }) {
  const { rank_pattern: rank, alpha_pattern: alpha } = rankPatterns(modules, common);
  return { rank, alpha };
}

/** PEFT's get_pattern_key and what it does with it: the first key, in the file's order, that matches the end of the name. */
function byPeft(patterns: Record<string, number>, name: string, common: number): number {
  const key = Object.keys(patterns).find((pattern) => new RegExp(`^(?:.*\\.)?(?:${pattern})$`).test(name));
  return key === undefined ? common : patterns[key]!;
}

const part = fc.constantFrom("0", "1", "a", "q", "a_q", "a.q", "net", "b[0]", "x+", "é", "w-1", "(c", "$", "\\d");
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
const number = fc.integer({ min: 1, max: 3 });
const modules = fc.uniqueArray(fc.record({ name, rank: number, alpha: number }), {
  selector: (module) => module.name,
  minLength: 1,
  maxLength: 8,
});

describe("rank_pattern and alpha_pattern of an output", () => {
  it("give every module its own rank and alpha by PEFT's rule, whatever the modules are called", () => {
    fc.assert(
      fc.property(modules, number, number, (list, rank, alpha) => {
        const patterns = patternsOf(list, { rank, alpha });
        for (const module of list) {
          expect([module.name, byPeft(patterns.rank, module.name, rank)]).toEqual([module.name, module.rank]);
          expect([module.name, byPeft(patterns.alpha, module.name, alpha)]).toEqual([module.name, module.alpha]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("are read back by lora-lego alike", () => {
    fc.assert(
      fc.property(modules, number, (list, rank) => {
        const entries = Object.entries(patternsOf(list, { rank, alpha: 1 }).rank);
        const lookup = patternLookup(entries, rank, "x");
        for (const module of list) expect([module.name, lookup(module.name)]).toEqual([module.name, module.rank]);
      }),
      { numRuns: 1000 },
    );
  });

  it("are plain paths for the names that models have", () => {
    const list = ["model.layers.0.q_proj", "model.layers.1.q_proj"].map((path, i) => ({
      name: path,
      rank: i + 1,
      alpha: 1,
    }));
    expect(patternsOf(list, { rank: 1, alpha: 1 }).rank).toEqual({ "model.layers.1.q_proj": 2 });
  });
});
