import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { writeModel } from "../support/models.ts";
import { peftCase } from "../support/peft-cases.ts";
import { encodeTensor, readMerged, relativeError, tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

const KINDS = resolve("test/golden/consumers/kinds");
const INITS = resolve("test/golden/consumers/inits");

describe("newer kinds of adapters on the command line", () => {
  it("bake DoRA from a base, and lead to no audit against files that lack the change", async () => {
    const out = join(tempFolder(), "baked");
    const flags = ["--method", "cat", "--dora", "bake", "--dora-rank", "8", "--base", "base"];
    const { code, stdout, stderr } = await run(["merge", "dora-one", "dora-two", ...flags, "--out", out], {
      cwd: KINDS,
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/dora-one is a DoRA adapter, .* keeps 100\.0% of its squared norm .*\[dora-baked\]/);
    expect(stdout).toMatch(/rank 16, f32/);
    expect(stdout).not.toMatch(/lora-lego audit/);
  });

  it("make a plain LoRA with the adapter as it was before training", async () => {
    const out = join(tempFolder(), "plain");
    const args = ["convert", "pissa-after", "--from-init", "pissa-before", "--out", out];
    expect(await run(args, { cwd: INITS })).toMatchObject({ code: 0, stderr: "" });
    expect(readMerged(out).config.r).toBe(4);
  });

  it("make a LoRA of a method whose delta needs the base", async () => {
    const folder = tempFolder();
    const { config, tensors, weights, deltas } = peftCase("HiRA with a pattern, which does not count");
    const named = Object.entries(weights!).map(([module, values]) => [`${module}.weight`, values] as const);
    const base = writeModel(join(folder, "base"), [Object.fromEntries(named)]);
    mkdirSync(join(folder, "hira"));
    const data = Object.entries(tensors).map(([key, values]) => encodeTensor(key, values));
    writeFileSync(join(folder, "hira", "adapter_config.json"), JSON.stringify(config));
    writeFileSync(join(folder, "hira", "adapter_model.safetensors"), encodeSafetensors(data, { format: "pt" }));
    const convert = (...flags: string[]) => run(["convert", "hira", ...flags, "--out", "plain"], { cwd: folder });
    expect((await convert()).stderr).toMatch(
      /hira has peft_type "HIRA", .*; write it as LoRA with lora-lego convert --base/,
    );
    expect((await convert("--rank", "6")).stderr).toMatch(/--rank is that of what --base extracts; pass --base too/);
    const small = await run(["convert", "hira", "--base", base, "--rank", "4", "--out", "small"], { cwd: folder });
    expect(small.stderr).toMatch(/hira changes the base's weights by 2 matrices of full rank.*\[method-extracted\]/);
    const { code } = await convert("--base", base, "--rank", "6");
    expect([small.code, code]).toEqual([0, 0]);
    const merged = readMerged(join(folder, "plain"));
    for (const [name, delta] of Object.entries(deltas)) {
      expect(relativeError(merged.modules.get(name)!.delta, Float64Array.from(delta)), name).toBeLessThan(1e-5);
    }
    const again = await run(["convert", "plain", "--base", base, "--out", "twice"], { cwd: folder });
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/plain needs no weights of its base model to be converted/),
    });
    const way = /pass --base-config (\S+) instead/.exec(again.stderr)?.[1];
    expect(way).toBe(join(base, "config.json"));
  });

  it("are told by inspect", async () => {
    const { stdout } = await run(["inspect", "bias-one", "tokens-one"], { cwd: KINDS });
    expect(stdout).toMatch(/biases next to B \(4\): model\.layers\.0\.self_attn\.q_proj/);
    expect(stdout).toMatch(/trained token rows: model\.embed_tokens/);
  });
});
