import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomAdapter, readMerged, relativeError, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const folder = tempFolder();
const HEAD = "base_model.model.head.weight";
const SIZE = { in: 3, out: 4 };
const image = writeAdapter(
  join(folder, "image"),
  randomAdapter(1, { modules: { "unet.conv_in": SIZE, "unet.conv_out": SIZE }, config: { lora_alpha: 3 } }),
);
const headed = writeAdapter(
  join(folder, "headed"),
  randomAdapter(2, { modules: { "model.layers.0.self_attn.q_proj": SIZE }, extras: { [HEAD]: [[1]] } }),
);

const novel = writeAdapter(
  join(folder, "novel"),
  randomAdapter(3, { modules: { "unet.conv_in": SIZE }, config: { brand_new: 1 } }),
);

describe("lora-lego convert", () => {
  it.concurrent("warns as a merge does of what the input holds", async () => {
    const out = join(folder, "novel.safetensors");
    const { code, stdout, stderr } = await run(["convert", novel, "--to", "kohya", "--out", out, "--json"]);
    expect([code, lines(stderr)]).toEqual([
      0,
      [expect.stringMatching(/^warning: novel sets brand_new .*\[unknown-field\]$/)],
    ]);
    expect(JSON.parse(stdout).warnings).toMatchObject([{ id: "unknown-field" }]);
  });

  it.concurrent("writes a file, and from it a folder with the same deltas", async () => {
    const [file, back] = [join(folder, "there.safetensors"), join(folder, "back")];
    const there = await run(["convert", image, "--to", "kohya", "--out", file]);
    expect([there.code, there.stderr]).toEqual([0, ""]);
    expect(there.stdout).toMatch(/there\.safetensors: 2 modules from peft to kohya, [\d.]+ \w?B$/m);
    expect(there.stdout).toMatch(/^Load it .*\n {2}/m);
    expect((await run(["convert", image, "--to", "kohya", "--out", file, "--force", "-q"])).stdout).toBe("");
    const { code, stdout } = await run(["convert", file, "--to", "peft", "--out", back, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ from: "kohya", to: "peft", modules: 2, tensors: 4 });
    expect(readdirSync(back).sort()).toEqual(["README.md", "adapter_config.json", "adapter_model.safetensors"]);
    const [before, after] = [readMerged(image).modules, readMerged(back).modules];
    for (const [name, { delta }] of before) expect(relativeError(after.get(name)!.delta, delta)).toBeLessThan(1e-7);
  });

  it.concurrent("replaces what it wrote only with --force", async () => {
    const [file, out] = [join(folder, "twice.safetensors"), join(folder, "twice")];
    for (const [to, target] of [
      ["kohya", file],
      ["peft", out],
    ] as const) {
      const args = ["convert", image, "--to", to, "--out", target];
      expect((await run(args)).code).toBe(0);
      const again = await run(args);
      expect(again.code).toBe(1);
      expect(again.stderr).toMatch(/exists; pass --force/);
      expect((await run([...args, "--force"])).code).toBe(0);
    }
    expect(readdirSync(folder).filter((name) => name.includes(".tmp-"))).toEqual([]);
  });

  it.concurrent("drops heads when asked to", async () => {
    const args = ["convert", headed, "--to", "mlx", "--out", join(folder, "no-head")];
    const refused = await run(args);
    expect(refused.code).toBe(1);
    expect(lines(refused.stderr)).toEqual([
      expect.stringMatching(/headed holds a tensor .*head\.weight.*--extras drop/),
    ]);
    expect((await run([...args, "--extras", "drop"])).code).toBe(0);
  });

  it.concurrent.each([
    ["no format of this name", ["--to", "onnx", "--out", join(folder, "x")], 2, /no format "onnx"/],
    ["a file without its suffix", ["--to", "kohya", "--out", join(folder, "x")], 2, /ends in \.safetensors/],
    ["the input itself", ["--to", "peft", "--out", image], 1, /is the input .*, contains it or is inside it/],
    ["a file in the input", ["--to", "kohya", "--out", join(image, "x.safetensors")], 1, /is the input .*or inside it/],
    ["a folder where a file is due", ["--to", "kohya", "--out", `${folder}/dir.safetensors`], 1, /is a folder/],
  ])("refuses %s", async (_, flags, status, words) => {
    if (flags.includes(`${folder}/dir.safetensors`)) writeAdapter(`${folder}/dir.safetensors`, randomAdapter(3));
    const { code, stderr } = await run(["convert", image, ...flags]);
    expect(lines(stderr)).toEqual([expect.stringMatching(words)]);
    expect(code).toBe(status);
  });

  it.concurrent("writes MLX names that the base's config tells, and asks for it where it lacks", async () => {
    const gpt2 = { "transformer.h.0.attn.c_attn": { in: 6, out: 5 } };
    const adapter = writeAdapter(join(folder, "gpt2"), randomAdapter(4, { modules: gpt2 }));
    const config = join(folder, "gpt2.json");
    writeFileSync(config, '{"model_type":"gpt2"}');
    const args = ["convert", adapter, "--to", "mlx", "--out", join(folder, "gpt2-mlx")];
    const without = await run(args);
    expect([without.code, lines(without.stderr)]).toEqual([2, [expect.stringMatching(/--base-config/)]]);
    expect((await run([...args, "--base-config", config])).code).toBe(0);
    const written = readFileSync(join(folder, "gpt2-mlx/adapters.safetensors"), "latin1");
    expect(written).toContain('"model.h.0.attn.c_attn.lora_a"');
  });

  it.concurrent("leaves nothing of a conversion that fails", async () => {
    const large = { "unet.conv_in": { A: [[1]], B: [[40000]] } };
    const loud = writeAdapter(join(folder, "loud"), { modules: large, dtype: "F16", config: { lora_alpha: 2 } });
    const old = join(folder, "old.txt");
    writeFileSync(old, "kept");
    const { code, stderr } = await run(["convert", loud, "--to", "diffusers", "--out", join(folder, "failed")]);
    expect([code, lines(stderr)]).toEqual([1, [expect.stringMatching(/f16 cannot hold/)]]);
    expect(readdirSync(folder).filter((name) => name.startsWith("failed"))).toEqual([]);
    expect(readFileSync(old, "utf8")).toBe("kept");
  });
});
