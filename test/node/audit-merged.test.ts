import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { MergedAudit } from "../../src/analysis/audit/audit-merged.ts";
import { UsageError } from "../../src/core/errors.ts";
import { auditMerged, convertAdapter, mergeAdapters, mergeToFolder } from "../../src/node/index.ts";
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
    expect(audit.unseen).toEqual([]);
  });

  it("tells adapters that were not passed, and advises nothing else", async () => {
    const out = await merged({ method: "average" });
    const { next, mismatch, good, signatures, weights } = await auditMerged(out, { of: adapters.slice(0, 2) });
    expect(mismatch).toBe("recipe.yaml says that the result was made of a, b, c; pass those to --of.");
    expect([next, good, weights]).toEqual([[], false, null]);
    expect(signatures.find(({ id }) => id === "scale-too-small")!.found).toBeNull();
    expect((await auditMerged(out, { of: adapters })).mismatch).toBeNull();
  });

  it("refuses adapters of which it names none, but knows copies by their hashes in the card or a report", async () => {
    const names = ["x", "y", "z"];
    const copies = (seed: number) =>
      names.map((name, t) => writeAdapter(join(tempFolder(), name), randomAdapter(seed + t, { rank: 4 })));
    const recipe = { method: "cat", weights: [1, 2, 3] } as const;
    const refused =
      /^recipe\.yaml says that the result was made of a, b, c, and none of them is passed; pass those to --of, /;
    await expect(auditMerged(await merged(recipe, true), { of: copies(5) })).rejects.toThrow(refused);
    const plain = await merged(recipe);
    expect((await auditMerged(plain, { of: copies(0) })).weights).toEqual([1, 2, 3]);
    rmSync(join(plain, "README.md"));
    await expect(auditMerged(plain, { of: copies(0) })).rejects.toThrow(refused);
    const { weights, mismatch, energy } = await auditMerged(await merged(recipe, true), { of: copies(0).reverse() });
    expect([weights, mismatch, energy]).toEqual([[3, 2, 1], null, expect.closeTo(1, 6)]);
  });

  it("tells other adapters under the names of those that it was made of, and advises nothing then", async () => {
    const other = writeAdapter(join(tempFolder(), "b"), randomAdapter(7, { rank: 4 }));
    const of = [adapters[0]!, other, adapters[2]!];
    const out = await merged({ method: "cat", scale: 0.1 });
    const { mismatch, next, good, weights } = await auditMerged(out, { of });
    expect(mismatch).toBe(
      "b is not the file that this was made of (by its SHA-256); pass that to --of, or merge again with this one.",
    );
    expect([next, good, weights]).toEqual([[], false, [1, 1, 1]]);
    // Nothing is known of them without the card.
    rmSync(join(out, "README.md"));
    expect((await auditMerged(out, { of })).mismatch).toBeNull();
  });

  it("tells nothing of a file of another name in the folder, but that it is not known", async () => {
    const out = await merged({ method: "lego", target: { kind: "rank", rank: 4 }, weights: [1, 1, 3] }, true);
    const own = await auditMerged(join(out, "adapter_model.safetensors"), { of: adapters });
    expect([own.weights, own.purity === null]).toEqual([[1, 1, 3], false]);
    const file = join(out, "other.safetensors");
    const other = await merged({ method: "cat", weights: [1, 5, 1] });
    writeFileSync(file, readFileSync(join(other, "adapter_model.safetensors")));
    writeFileSync(join(out, "adapter_config.json"), readFileSync(join(other, "adapter_config.json")));
    const { weights, purity, unseen } = await auditMerged(file, { of: adapters });
    expect([weights, purity]).toEqual([null, null]);
    expect(unseen).toEqual([
      "weights and method, counted as a sum of all adapters (other.safetensors holds no recipe)",
      "clusters (the report beside it is about another result)",
    ]);
  });

  it("takes weights and method of a single file from its metadata, also where it was converted", async () => {
    const of = [1, 2].map((seed) => {
      const modules = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 8, out: 8 } };
      return writeAdapter(join(folder, `image-${seed}`), randomAdapter(seed, { modules }));
    });
    const place = tempFolder();
    const at = (name: string): string => join(place, `${name}.safetensors`);
    const [file, other, converted] = [at("one"), at("other"), at("converted")];
    await mergeAdapters(of, { method: "cat", weights: [3, 1], scale: 0.5 }, { out: file, threads: 1 });
    await convertAdapter(file, { to: "diffusers", out: converted });
    for (const path of [file, converted]) {
      const { weights, energy, unseen } = await auditMerged(path, { of: [of[1]!, of[0]!] });
      expect([weights, energy, unseen]).toEqual([[1, 3], expect.closeTo(1, 6), []]);
    }
    // A merge of the file says how it was made itself, and nothing of what it was made of.
    await mergeAdapters([file], { method: "cat" }, { out: other, threads: 1 });
    expect((await auditMerged(other, { of: [file] })).weights).toEqual([1]);
    const renamed = of.map((_, t) => join(place, `renamed-${t}`));
    for (const [t, path] of of.entries()) cpSync(path, renamed[t]!, { recursive: true });
    await expect(auditMerged(file, { of: renamed })).rejects.toThrow(
      /^the recipe in one\.safetensors says that the result was made of image-1, image-2, and none of them is passed; pass those to --of, or copies with these names /,
    );
  });

  it("takes weights and method of a GGUF file from its metadata", async () => {
    const place = tempFolder();
    const [out, where] = [join(place, "merged.gguf"), join(place, "config.json")];
    const text = JSON.stringify({ model_type: "llama", num_attention_heads: 2, num_key_value_heads: 2 });
    writeFileSync(where, text);
    const modules = { "model.layers.0.self_attn.q_proj": { in: 8, out: 8 } };
    const of = [1, 2].map((seed) => writeAdapter(join(place, `language-${seed}`), randomAdapter(seed, { modules })));
    await mergeAdapters(of, { method: "cat", weights: [1, 2] }, { out, baseConfig: where, threads: 1 });
    const { weights, energy } = await auditMerged(out, { of, baseConfig: { text, where } });
    expect([weights, energy]).toEqual([[1, 2], expect.closeTo(1, 6)]);
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
    expect([unclustered.purity, unclustered.unseen]).toEqual([null, []]);
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
      '{"version": 1, "inputs": [{"name": "x"}], "modules": [], "totals": {"rank": 4, "normRatio": 1, "cosines": [1]}}',
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
    // Clusters are looked for in a merge that makes some; this one keeps every unit, so it is an exact sum too.
    const beside = file === "report.json";
    const method = beside ? "lego" : "cat";
    const out = await merged({ method, target: { kind: "rank", rank: 12 } }, beside);
    writeFileSync(join(out, file), text);
    // It would know c by its hash, whatever its name.
    rmSync(join(out, "README.md"));
    const { unseen, weights, energy } = await auditMerged(out, { of: adapters });
    expect(unseen.filter((each) => each.match(reason) !== null)).toHaveLength(1);
    expect([weights, energy]).toEqual([file === "report.json" ? [1, 1, 1] : null, expect.closeTo(1, 6)]);
  });
});

it("auditMerged refuses an empty list of adapters in one sentence", async () => {
  const none = auditMerged(adapters[0]!, { of: [] });
  await expect(none).rejects.toThrow(UsageError);
  await expect(none).rejects.toThrow("of is empty; pass the adapters that the result was made of.");
});
