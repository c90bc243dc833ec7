import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeModel } from "../support/models.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const folder = tempFolder();
const Q = "layers.0.q_proj";
const adapter = writeAdapter(join(folder, "adapter"), randomAdapter(1, { modules: { [Q]: { in: 3, out: 2 } } }));
const parts = [
  {
    [`model.${Q}.weight`]: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  },
  { "model.norm.weight": [1, 2] },
];
const base = writeModel(join(folder, "base"), parts, "BF16");
writeFileSync(join(base, "tokenizer.json"), "{}");
writeFileSync(join(base, "pytorch_model.bin"), "PK");

describe("lora-lego fuse", () => {
  it.concurrent("writes a model of the same files, but for weights in other formats", async () => {
    const out = join(folder, "fused");
    const { code, stdout, stderr } = await run(["fuse", adapter, "--base", base, "--out", out]);
    expect([code, lines(stderr)]).toEqual([0, ["fusing: 1 of 1 tensors"]]);
    expect(stdout).toMatch(/fused: base with adapter: 1 tensor fused, [\d.]+ kB\n$/);
    const kept = readdirSync(base).filter((file) => file !== "pytorch_model.bin");
    expect(readdirSync(out).sort()).toEqual([...kept, "README.md"].sort());
    for (const file of ["config.json", "model.safetensors.index.json", "model-00002-of-00002.safetensors"]) {
      expect(readFileSync(join(out, file)).equals(readFileSync(join(base, file))), file).toBe(true);
    }
    const again = await run(["fuse", adapter, "--base", base, "--out", out, "--force", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ base: "base", adapters: ["adapter"], fused: 1, replaced: [] });
  });

  it.concurrent("of weight 0 is the base itself", async () => {
    const out = join(folder, "same");
    expect((await run(["fuse", adapter, "--base", base, "--out", out, "--weights", "0"])).code).toBe(0);
    const first = "model-00001-of-00002.safetensors";
    expect(readFileSync(join(out, first)).equals(readFileSync(join(base, first)))).toBe(true);
  });

  it.concurrent.each([
    [
      "a base that is not there",
      ["--base", join(folder, "none"), "--out", join(folder, "x")],
      2,
      /no folder .*none; pass the folder of a model/,
    ],
    ["a folder without weights", ["--base", folder, "--out", join(folder, "x")], 1, /holds no model\.safetensors/],
    ["the base as output", ["--base", base, "--out", base], 1, /is, contains or lies in the input/],
  ])("refuses %s and leaves nothing", async (_, flags, status, words) => {
    const { code, stderr } = await run(["fuse", adapter, ...flags]);
    expect([code, lines(stderr)]).toEqual([status, [expect.stringMatching(words)]]);
    expect(readdirSync(folder).filter((name) => name.startsWith("x"))).toEqual([]);
  });
});
