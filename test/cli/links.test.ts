import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { servePage } from "../../src/node/ui/ui-server.ts";
import { writeModel } from "../support/models.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const folder = tempFolder();
const Q = "model.layers.0.q_proj";
const adapter = writeAdapter(join(folder, "adapter"), randomAdapter(1, { modules: { [Q]: { in: 2, out: 2 } } }));
const model = (name: string, seed: number): string =>
  writeModel(join(folder, name), [
    {
      [`${Q}.weight`]: [
        [seed, 2],
        [3, 4],
      ],
    },
  ]);
const base = model("base", 1);
const tuned = model("tuned", 5);
writeFileSync(join(folder, "secret"), "{}");

/** A copy of a folder in which one file has become a link out of it, or a new one has. */
function linking(of: string, name: string, file: string): string {
  const copy = join(folder, name);
  cpSync(of, copy, { recursive: true });
  const outside = join(folder, `${name}-outside`);
  if (existsSync(join(copy, file))) renameSync(join(copy, file), outside);
  else writeFileSync(outside, "{}");
  symlinkSync(outside, join(copy, file));
  return copy;
}

describe("links out of a folder", () => {
  it.concurrent.each(["tokenizer.json", "notes.txt", "config.json", "model.safetensors"])(
    "are refused by fuse: %s",
    async (file) => {
      const linked = linking(base, `fuse-${file}`, file);
      const out = join(folder, `fused-${file}`);
      const { code, stderr } = await run(["fuse", adapter, "--base", linked, "--out", out]);
      expect([code, lines(stderr)]).toEqual([
        1,
        [expect.stringContaining(`fuse-${file}/${file} is a link out of its folder`)],
      ]);
      expect(existsSync(out)).toBe(false);
    },
  );

  it.concurrent.each([
    ["base", "config.json"],
    ["base", "model.safetensors"],
    ["tuned", "model.safetensors"],
  ])("are refused by extract: %s/%s", async (which, file) => {
    const linked = linking(which === "base" ? base : tuned, `extract-${which}-${file}`, file);
    const models = which === "base" ? ["--base", linked, "--tuned", tuned] : ["--base", base, "--tuned", linked];
    const out = join(folder, `extracted-${which}-${file}`);
    const { code, stderr } = await run(["extract", ...models, "--rank", "1", "--out", out]);
    expect([code, lines(stderr)]).toEqual([1, [expect.stringMatching(/is a link out of its folder/)]]);
    expect(existsSync(out)).toBe(false);
  });

  it.concurrent("are followed by fuse within the folder, and in the Hub's cache", async () => {
    const repository = join(folder, "hub", "models--owner--name");
    const snapshot = join(repository, "snapshots", "abc");
    mkdirSync(join(repository, "blobs"), { recursive: true });
    cpSync(base, snapshot, { recursive: true });
    for (const file of ["config.json", "model.safetensors"]) {
      renameSync(join(snapshot, file), join(repository, "blobs", file));
      symlinkSync(join("..", "..", "blobs", file), join(snapshot, file));
    }
    symlinkSync("config.json", join(snapshot, "generation_config.json"));
    const out = join(folder, "fused-cached");
    expect((await run(["fuse", adapter, "--base", snapshot, "--out", out])).code).toBe(0);
    for (const file of ["config.json", "generation_config.json"]) {
      expect(readFileSync(join(out, file), "utf8")).toBe(readFileSync(join(base, "config.json"), "utf8"));
    }
  });

  it.concurrent("are not copied beside a merge, whose weights may lie elsewhere", async () => {
    const linked = linking(linking(adapter, "merge-1", "tokenizer.json"), "merge-2", "adapter_model.safetensors");
    const out = join(folder, "merged");
    expect((await run(["merge", linked, "--out", out])).code).toBe(0);
    expect(existsSync(join(out, "tokenizer.json"))).toBe(false);
  });

  it("are not served by ui", async () => {
    const page = join(folder, "page");
    mkdirSync(page);
    writeFileSync(join(page, "index.html"), "<html><head></head></html>");
    const linked = linking(adapter, "served", "adapter_model.safetensors");
    await expect(servePage({ adapters: [linked], page })).rejects.toThrow(
      /served\/adapter_model\.safetensors is a link out of its folder/,
    );
    const named = await servePage({ adapters: [join(linked, "adapter_model.safetensors")], page });
    await named.close();
  });
});
