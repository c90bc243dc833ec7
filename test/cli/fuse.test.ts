import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openModel } from "../../src/fuse/base-model.ts";
import { diskModel } from "../../src/node/input/model-folder.ts";
import { writeModel } from "../support/models.ts";
import { decodeTensors, randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
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
  it.concurrent("warns as a merge does of what an adapter holds", async () => {
    const shape = { modules: { [Q]: { in: 3, out: 2 } }, config: { brand_new: 1 } };
    const novel = writeAdapter(join(folder, "novel"), randomAdapter(2, shape));
    const { code, stderr } = await run(["fuse", novel, "--base", base, "--out", join(folder, "warned")]);
    expect([code, lines(stderr).filter((line) => line.startsWith("warning"))]).toEqual([
      0,
      [expect.stringMatching(/^warning: novel sets brand_new .*\[unknown-field\]$/)],
    ]);
  });

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

  it.concurrent("gives a tied model of several shards a head, in files that open again", async () => {
    const embedding = "model.embed_tokens";
    const modules = { [embedding]: { kind: "embedding", A: [[1, 2]], B: [[10], [20], [30]] } } as const;
    const mine = writeAdapter(join(folder, "embedding"), { modules });
    const old = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const tied = writeModel(join(folder, "tied"), [{ [`${embedding}.weight`]: old }, ...parts]);
    writeFileSync(join(tied, "config.json"), '{"model_type": "llama", "eps": 1e-06, "tie_word_embeddings": true}');
    const out = join(folder, "untied");
    const { code, stdout } = await run(["fuse", mine, "--base", tied, "--out", out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /1 tensor fused, .*\n {2}head and embedding are now two tensors \(tie_word_embeddings is false/,
    );
    expect(readFileSync(join(out, "config.json"), "utf8")).toBe(
      '{"model_type": "llama", "eps": 1e-06, "tie_word_embeddings": false}',
    );
    const disk = diskModel(out);
    const { tensors, shards } = await openModel(disk);
    disk.close();
    expect(shards.map(({ file }) => file)).toEqual(readdirSync(out).filter((file) => file.endsWith(".safetensors")));
    expect(tensors.get("lm_head.weight")).toMatchObject({
      shape: [2, 3],
      file: tensors.get(`${embedding}.weight`)!.file,
    });
    const first = decodeTensors(readFileSync(join(out, shards[0]!.file)));
    expect([...first.get("lm_head.weight")!.values]).toEqual(old.flat());
    expect([...first.get(`${embedding}.weight`)!.values]).toEqual([11, 22, 33, 24, 45, 66]);
  });

  it.concurrent("reads GGUF adapters by the names of the base", async () => {
    const q = "model.layers.0.self_attn.q_proj";
    const mine = writeAdapter(join(folder, "peft"), randomAdapter(4, { modules: { [q]: { in: 8, out: 8 } } }));
    const llama = writeModel(join(folder, "llama"), [
      { [`${q}.weight`]: Array.from({ length: 8 }, () => Array(8).fill(1)) },
    ]);
    writeFileSync(join(llama, "config.json"), '{"model_type": "llama", "num_attention_heads": 2}');
    const gguf = join(folder, "mine.gguf");
    await run(["convert", mine, "--to", "gguf", "--base-config", join(llama, "config.json"), "--out", gguf]);
    const outs = [mine, gguf].map((path, i) => [path, join(folder, `of-gguf-${i}`)] as const);
    for (const [path, out] of outs) expect((await run(["fuse", path, "--base", llama, "--out", out])).code).toBe(0);
    const [one, other] = outs.map(([, out]) => readFileSync(join(out, "model.safetensors")));
    expect(one!.equals(other!)).toBe(true);
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
      /no folder .*none; pass a model folder/,
    ],
    ["a folder without weights", ["--base", folder, "--out", join(folder, "x")], 1, /holds no model\.safetensors/],
    ["the base as output", ["--base", base, "--out", base], 1, /is the input .*, contains it or is inside it/],
  ])("refuses %s and leaves nothing", async (_, flags, status, words) => {
    const { code, stderr } = await run(["fuse", adapter, ...flags]);
    expect([code, lines(stderr)]).toEqual([status, [expect.stringMatching(words)]]);
    expect(readdirSync(folder).filter((name) => name.startsWith("x"))).toEqual([]);
  });
});
