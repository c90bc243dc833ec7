import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readMerged, tempFolder } from "../support/pico.ts";
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

  it("are told by inspect", async () => {
    const { stdout } = await run(["inspect", "bias-one", "tokens-one"], { cwd: KINDS });
    expect(stdout).toMatch(/biases next to B \(4\): model\.layers\.0\.self_attn\.q_proj/);
    expect(stdout).toMatch(/trained token rows: model\.embed_tokens/);
  });
});
