import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { encodeTensor, randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { run } from "./run.ts";

let cwd = "";

beforeAll(() => {
  cwd = tempFolder();
  for (const seed of [1, 2]) writeAdapter(join(cwd, `a${seed}`), randomAdapter(seed));
  const weights = (name: string) => encodeSafetensors([encodeTensor(name, [[1, 2]])], {});
  const model = (folder: string, files: Readonly<Record<string, Uint8Array | string>>): void => {
    mkdirSync(join(cwd, folder));
    writeFileSync(join(cwd, folder, "config.json"), "{}");
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(cwd, folder, file), bytes);
  };
  model("base", { "model.safetensors": weights("model.embed_tokens.weight") });
  const [first, second] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
  model("shards", {
    [first]: weights("a.weight"),
    [second]: weights("b.weight"),
    "model.safetensors.index.json": JSON.stringify({ weight_map: { "a.weight": first, "b.weight": second } }),
  });
  mkdirSync(join(cwd, "rows"));
  writeFileSync(join(cwd, "rows", "rows.jsonl"), "{}");
  // GGUF version 3 with no tensors, and a single text: general.architecture.
  const text = (words: string): number[] => [words.length, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from(words)];
  const head = [...Buffer.from("GGUF"), 3, 0, 0, 0, ...new Array(8).fill(0), 1, 0, 0, 0, 0, 0, 0, 0];
  const pair = [...text("general.architecture"), 8, 0, 0, 0, ...text("llama")];
  writeFileSync(join(cwd, "base.gguf"), Uint8Array.from([...head, ...pair]));
});

describe("base models among adapters", () => {
  it("are told by name, and left out with what holds no adapter", async () => {
    const { code, stdout, stderr } = await run(["audit", "a1", "a2", "base", "base.gguf", "rows", "shards"], { cwd });
    expect([code, stdout.split("\n")[0]]).toEqual([0, expect.stringMatching(/^2 adapters, /)]);
    expect(stderr.trim().split("\n")).toEqual([
      "base is a base model, no adapter, and is left out.",
      "base.gguf is a base model, no adapter, and is left out.",
      "rows holds no adapter, and is left out.",
      "shards is a base model, no adapter, and is left out.",
    ]);
  });

  it.each(["base", "shards", "base/model.safetensors", "base.gguf"])("are refused as that alone: %s", async (path) => {
    const { code, stderr } = await run(["inspect", path], { cwd });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/ is a base model.*, not an adapter[;:].* --base /)]);
  });
});

describe("a recipe that a merge wrote", () => {
  it("finds its adapters beside the merged folder, and else says the whole command", async () => {
    expect((await run(["merge", "a1", "a2", "--rank", "3", "--out", "merged", "-q"], { cwd })).code).toBe(0);
    const again = await run(["run", "merged/recipe.yaml", "--out", "again", "-q"], { cwd });
    expect([again.code, again.stderr]).toEqual([0, `The adapters are taken from ${cwd}.\n`]);
    const elsewhere = tempFolder();
    const copied = await run(["merge", "a1", "a2", "--rank", "3", "--out", join(elsewhere, "moved"), "-q"], { cwd });
    expect(copied.code).toBe(0);
    const recipe = join(elsewhere, "moved", "recipe.yaml");
    const here = await run(["run", recipe, "--out", join(elsewhere, "third"), "-q"], { cwd });
    expect([here.code, here.stderr]).toEqual([0, `The adapters are taken from ${cwd}.\n`]);
    const lost = await run(["run", recipe, "--out", "fourth"], { cwd: elsewhere });
    expect([lost.code, lost.stderr]).toEqual([
      2,
      expect.stringMatching(
        /there is no file or folder a1 in .*: lora-lego run \S+recipe\.yaml --adapters DIR --out OUT\.\n$/,
      ),
    ]);
  });
});
