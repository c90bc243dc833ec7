import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { auditMerged } from "../../src/node/audit-merged.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { evaluate } from "../../src/node/evaluate.ts";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { loadRecipe, runRecipe } from "../../src/node/run-recipe.ts";
import { fakeLlama } from "../support/fake-llama.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { writePicoModel } from "../support/pico-model.ts";
import { bytesIn, put, sameWeights, smallAdapters, useWeb, WEIGHTS } from "../support/web-adapters.ts";

const small = smallAdapters();

const { cache, settings, web } = await useWeb();

describe("a merge of addresses", () => {
  it("is repeated from its recipe, tells the adapters by address and hash, and tells no secret", async () => {
    const paths = small.map(
      (folder, i) => `${web.origin.replace("//", `//me${i}:pass@`)}${put(web, folder)}?sig=s3cret`,
    );
    const addresses = paths.map((path) => path.replace(/\/\/.*@/, "//").replace(/\?.*/, ""));
    const [out, again, report] = ["out", "again", "report.json"].map((name) => join(tempFolder(), name)) as [
      string,
      string,
      string,
    ];
    await mergeAdapters(paths, { method: "lego" }, { out, report, settings: settings(), threads: 1 });
    const recipe = readFileSync(join(out, "recipe.yaml"), "utf8");
    for (const address of addresses) expect(recipe).toContain(address);
    const inputs = JSON.parse(readFileSync(report, "utf8")).inputs as { name: string; sha256: string }[];
    expect(inputs.map(({ name, sha256 }) => [name, sha256])).toEqual(
      addresses.map((address, i) => [
        address.replace("http://", ""),
        createHash("sha256").update(bytesIn(small[i]!, WEIGHTS)).digest("hex"),
      ]),
    );
    for (const file of readdirSync(out)) {
      expect(readFileSync(join(out, file), "latin1")).not.toMatch(/s3cret|me\d:pass/);
    }
    expect(readFileSync(report, "utf8")).not.toMatch(/s3cret|me\d:pass/);
    await runRecipe(await loadRecipe(join(out, "recipe.yaml")), { out: again, settings: settings(), threads: 1 });
    expect(sameWeights(again, out)).toBe(true);
  });

  it("is audited against them by their recorded hashes", async () => {
    const names = small.map((folder) => put(web, folder));
    const paths = names.map((name) => `${web.origin}${name}`);
    const out = join(tempFolder(), "out");
    await mergeAdapters(paths, { method: "lego" }, { out, settings: settings(), threads: 1 });
    const same = await auditMerged(out, { of: paths, settings: settings() });
    expect(same.mismatch).toBeNull();
    put(web, writeAdapter(join(tempFolder(), "other"), randomAdapter(77)), names[0]!.slice(1));
    const changed = await auditMerged(out, { of: paths.map((path) => `${path}?v=2`), settings: settings() });
    expect(changed.mismatch).toMatch(/is not the file that this was made of \(by its SHA-256\)/);
  });
});

describe("a merge that is at an address itself", () => {
  it("is audited by the recipe in its file", async () => {
    const modules = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 8, out: 8 } };
    const parts = [1, 2].map((seed) =>
      writeAdapter(join(tempFolder(), `image-${seed}`), randomAdapter(seed, { modules })),
    );
    const of = parts.map((part, i) => `${web.origin}${put(web, part, `parts/image-${i + 1}`)}`);
    const file = join(tempFolder(), "both.safetensors");
    await mergeAdapters(parts, { method: "cat", weights: [3, 1] }, { out: file, threads: 1 });
    web.files.set("/merged/both.safetensors", new Uint8Array(readFileSync(file)));
    const { weights, unseen } = await auditMerged(`${web.origin}/merged/both.safetensors`, {
      of,
      settings: settings(),
    });
    expect([weights, unseen]).toEqual([[3, 1], []]);
  });

  it("is mended by commands that write here, and tell no secret", async () => {
    const of = small.map((folder) => `${web.origin}${put(web, folder)}?sig=s3cret`);
    const out = join(tempFolder(), "merged");
    const recipe = { method: "lego", target: { kind: "rank", rank: 1 } } as const;
    await mergeAdapters(of, recipe, { out, settings: settings(), threads: 1 });
    const at = `${web.origin}${put(web, out, "merges/merged")}?sig=s3cret`;
    const said = JSON.stringify(await auditMerged(at, { of, settings: settings() }));
    expect(said).toMatch(/lora-lego \w+ .*--out merged-2/);
    expect(said).not.toMatch(/s3cret|--out \S*http/);
  });
});

describe("an adapter at an address that llama.cpp scores", () => {
  it("is a GGUF file as it was downloaded, or is converted, and is called by its address", async () => {
    vi.stubEnv("HF_HUB_CACHE", cache());
    const home = tempFolder();
    const { base, layer } = writePicoModel(home);
    const local = writeAdapter(join(home, "own"), { modules: { [layer]: { A: [[1, 1]], B: [[2]] } } });
    const file = join(home, "own.gguf");
    await convertAdapter(local, { to: "gguf", out: file, baseConfig: join(base, "config.json") });
    web.files.set("/gguf/own.gguf", new Uint8Array(readFileSync(file)));
    const rows = [{ task: "t", prompt: "a", choices: ["b", "c"], answer: 0 }];
    const addresses = [`${web.origin}/gguf/own.gguf`, `${web.origin}${put(web, local)}`];
    const loaded: Buffer[] = [];
    const llama = fakeLlama(({ lora }) =>
      loaded.push(...(lora?.adapters ?? []).map(({ filePath }) => readFileSync(filePath))),
    );
    const found = await evaluate({
      base,
      adapters: addresses.map((at) => `${at}?sig=s3cret`),
      rows,
      llama,
      threads: 1,
    });
    expect(found.map(({ adapter }) => adapter)).toEqual([null, ...addresses]);
    expect(loaded.map((bytes) => bytes.equals(readFileSync(file)))).toEqual([true, true]);
    vi.unstubAllEnvs();
  });
});
