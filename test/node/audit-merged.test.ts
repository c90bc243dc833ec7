import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { MergedAudit } from "../../src/analysis/audit/audit-merged.ts";
import { UsageError } from "../../src/core/errors.ts";
import { auditMerged, mergeToFolder } from "../../src/node/index.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

let folder = "";
let adapters: string[] = [];
beforeAll(() => {
  folder = tempFolder();
  adapters = ["a", "b", "c"].map((name, t) => writeAdapter(join(folder, name), randomAdapter(t, { rank: 4 })));
});

/** A merge of the three, with a report beside it if wanted. */
async function merged(recipe: Recipe, report = false): Promise<string> {
  const out = join(tempFolder(), "merged");
  await mergeToFolder(adapters, recipe, { out, threads: 1, ...(report && { report: join(out, "report.json") }) });
  return out;
}
const purityOf = ({ signatures }: MergedAudit) => signatures.find(({ id }) => id === "mixed-clusters")!.figure;

describe("what lies beside a merged adapter", () => {
  it("tells weights, in any order of the adapters, and in modules that have their own", async () => {
    const out = await merged({
      method: "cat",
      weights: [1, 2, 0.5],
      moduleWeights: [{ match: "layers.1.**", weights: [3, 0, 1] }],
    });
    const audit = await auditMerged(out, { of: adapters });
    expect(audit.weights).toEqual([1, 2, 0.5]);
    // The exact weighted sum holds all of its energy, which weights of 1 or of the wrong adapters would miss.
    expect(audit.energy).toBeCloseTo(1, 6);
    const turned = await auditMerged(out, { of: [adapters[2]!, adapters[0]!, adapters[1]!] });
    expect(turned.weights).toEqual([0.5, 1, 2]);
    expect(turned.energy).toBeCloseTo(1, 6);
    expect(audit.unseen).toEqual(["clusters (the method does not cluster)"]);
  });

  it("tells adapters that were not passed, and advises nothing else", async () => {
    const out = await merged({ method: "average" });
    const { next } = await auditMerged(out, { of: adapters.slice(0, 2) });
    expect(next).toEqual([{ why: "Pass c to --of too: recipe.yaml says that it was made of them all.", how: null }]);
    expect((await auditMerged(out, { of: adapters })).next).not.toContainEqual(next[0]);
  });

  it("refuses DoRA adapters, unless their magnitudes were left out", async () => {
    const of = ["d", "e"].map((name, t) => {
      const { modules } = randomAdapter(t);
      const magnitudes = Object.entries(modules).map(([module, { B }]) => {
        return [`base_model.model.${module}.lora_magnitude_vector`, (B as number[][]).map(() => 1)] as const;
      });
      return writeAdapter(join(folder, name), { modules, extras: Object.fromEntries(magnitudes) });
    });
    const out = join(tempFolder(), "merged");
    await mergeToFolder(of, { method: "cat", dora: "drop" }, { out, threads: 1 });
    expect((await auditMerged(out, { of })).energy).toBeCloseTo(1, 6);
    rmSync(join(out, "recipe.yaml"));
    await expect(auditMerged(out, { of })).rejects.toThrow(
      /^d is a DoRA adapter, .*--method cat --dora bake --base DIR/,
    );
  });

  it("tells the method, for which only ratios of weights may count", async () => {
    const out = await merged({ method: "average", weights: [1, 2, 1] });
    const recipe = join(out, "recipe.yaml");
    const audit = await auditMerged(out, { of: adapters });
    writeFileSync(
      recipe,
      readFileSync(recipe, "utf8")
        .replace("weight: 2", "weight: 20")
        .replaceAll(/- ([ac])$/gm, "- { path: $1, weight: 10 }"),
    );
    expect((await auditMerged(out, { of: adapters })).autoScale).toEqual(audit.autoScale);
  });

  it("tells the clusters", async () => {
    const audit = await auditMerged(await merged({ method: "lego", target: { kind: "rank", rank: 4 } }, true), {
      of: adapters,
    });
    expect(audit.unseen).toEqual([]);
    expect(purityOf(audit)).toBeCloseTo(audit.purity!.purity / audit.purity!.chance, 12);
    const unclustered = await auditMerged(await merged({ method: "svd" }, true), { of: adapters });
    expect([unclustered.purity, unclustered.unseen]).toEqual([null, ["clusters (the method does not cluster)"]]);
  });

  it.each([
    ["report.json", "{", /^clusters \(report\.json.*[^.]\)$/],
    ["report.json", '{"version": 2}', /^clusters \(report\.json is no report of a merge\)$/],
    [
      "report.json",
      '{"version": 1, "inputs": [{"name": "a"}], "modules": [{"clusters": [{"members": [[1, 0]]}]}]}',
      /^clusters \(report\.json is no report of a merge\)$/,
    ],
    [
      "report.json",
      '{"version": 1, "inputs": [{"name": "x"}], "modules": []}',
      /^clusters \(report\.json is about other adapters\)$/,
    ],
    [
      "recipe.yaml",
      "adapters: [",
      /^weights and method, counted as a sum of all adapters \(recipe\.yaml:\d+:\d+: .*\)$/,
    ],
    ["recipe.yaml", "adapters: [a, b, z]\n", /^weights .* \(recipe\.yaml says that it was made of a, b, z\)$/],
    [
      "recipe.yaml",
      "steps:\n  - { name: ab, adapters: [a, b] }\n  - { name: all, adapters: [{ step: ab }, c] }\n",
      /^weights .* \(recipe\.yaml has several steps\)$/,
    ],
  ])("is named where %s cannot be used: %s", async (file, text, reason) => {
    const out = await merged({ method: "cat" }, true);
    writeFileSync(join(out, file), text);
    const { unseen, weights, energy } = await auditMerged(out, { of: adapters });
    expect(unseen.filter((each) => each.match(reason) !== null)).toHaveLength(1);
    expect([weights, energy]).toEqual([[1, 1, 1], expect.closeTo(1, 6)]);
  });
});

it("auditMerged refuses an empty list of adapters in one sentence", async () => {
  const none = auditMerged(adapters[0]!, { of: [] });
  await expect(none).rejects.toThrow(UsageError);
  await expect(none).rejects.toThrow("of is empty; pass the adapters that the result was made of.");
});
