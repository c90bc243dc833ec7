import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { AUTO } from "../../src/methods/auto.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { auditMerged } from "../../src/node/audit-merged.ts";
import { openAdapters } from "../../src/node/input/adapter-path.ts";
import { mergeToFolder } from "../../src/node/merge-adapters.ts";
import type { Fix } from "../../src/plan/warning.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { nextMerges } from "../../src/report/next-merges.ts";
import { minibench, SEEN } from "../support/minibench.ts";
import { tempFolder } from "../support/pico.ts";

const SEVEN = SEEN.map(minibench);
/** What the figures were measured with: method, rank and factor. */
const MEASURED_AT = ["tsv", 12, "auto"];

/** The merges that name a figure, as method, rank and factor. */
function measuredAmong(fixes: readonly Fix[], made: string): unknown[] {
  return fixes
    .filter(({ why }) => why.includes("Measured:"))
    .map(({ method = made, rank, scale }) => (method === AUTO ? ["tsv", rank, "auto"] : [method, rank, scale]));
}

describe("what a merge advises names figures of what its command makes alone", () => {
  it("by every method on minibench", async () => {
    const opened = await openAdapters(SEVEN);
    const adapters = opened.map(({ adapter }) => adapter);
    const found: unknown[] = [];
    // The others take two adapters.
    for (const method of METHODS.map(({ id }) => id).filter((id) => !id.endsWith("slerp") || id === "multislerp")) {
      const { report } = await mergeInMemory(adapters, { method } as Recipe);
      found.push(...measuredAmong(nextMerges(report), method));
    }
    for (const { close } of opened) close();
    expect(found).toEqual([MEASURED_AT]);
  });

  it.each([
    ["tsv", "--method tsv --rank 12 --scale auto"],
    ["ct_merge", "--method ct_merge --rank 12"],
  ])("and so does an audit of %s", async (method, flags) => {
    const out = join(tempFolder(), "merged");
    await mergeToFolder(SEVEN, { method } as Recipe, { out, threads: 1 });
    const { next, signatures } = await auditMerged(out, { of: SEVEN });
    const asks = signatures.filter(({ id, found }) => found && id.startsWith("scale-")).length;
    expect([method, asks]).toEqual([method, method === "tsv" ? 1 : 0]);
    const [{ why, how }] = next as [{ why: string; how: string }];
    expect(how).toBe(`lora-lego merge ${SEVEN.join(" ")} ${flags} --out ${out}-2`);
    expect(why.includes("Measured:")).toBe(method === "tsv");
    // Neither the factor nor another rank stands beside it.
    expect(next.filter((own) => own.how?.includes("--method cat") || own.how?.includes(" resize "))).toEqual([]);
    expect(next.length).toBe(method === "tsv" ? 1 : 2);
  });
});
