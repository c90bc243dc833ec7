import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { a, b, odd } from "./pair.ts";
import { lines, run } from "./run.ts";

describe.concurrent("lora-lego verify", () => {
  it("prints a verdict with the measured error for each of the paper's claims", async () => {
    const { code, stdout, stderr } = await run(["verify", a, b]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^holds .*order of an adapter's units.*\(largest relative error \d\.\de-\d+ in f32\)$/m);
    expect(stdout).toMatch(/^holds .*side by side.*\(largest relative error \d(\.\d)?e[-+]\d+ in f32\)$/m);
    expect(stdout).toMatch(/^(holds|refuted) .*Clusters gather.*\(purity [\d.]+%, by chance [\d.]+% \+- [\d.]+%\)$/m);
    expect(lines(stdout)).toHaveLength(3);
  });

  it("skips what one adapter cannot show, and gives its figures as JSON", async () => {
    const { code, stdout } = await run(["verify", a, "--json", "--rank", "2"]);
    expect(code).toBe(0);
    const checks: { id: string; holds: boolean | null }[] = JSON.parse(stdout);
    expect(checks.map(({ id, holds }) => [id, holds])).toEqual([
      ["permutation-invariance", true],
      ["concatenation-summation", true],
      ["cluster-purity", null],
    ]);
  });

  it("refuses adapters that do not fit each other", async () => {
    const { code, stdout, stderr } = await run(["verify", a, odd]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: a and odd adapt different bases/);
  });

  it("takes adapters named before and since transformers 4.52 for those of one base", async () => {
    const folder = tempFolder();
    const write = (name: string, seed: number, body: string) =>
      writeAdapter(
        join(folder, name),
        randomAdapter(seed, { modules: { [`${body}layers.0.q_proj`]: { in: 6, out: 5 } } }),
      );
    const paths = [write("before-452", 1, "model."), write("since-452", 2, "model.language_model.")];
    const { code, stdout, stderr } = await run(["verify", ...paths]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("purity");
  });

  it("says first what an adapter is that is no LoRA", async () => {
    const vera = { modules: {}, config: { peft_type: "VERA" }, extras: { "base_model.model.q.vera_lambda_b": [1, 2] } };
    const { code, stderr } = await run(["verify", a, writeAdapter(join(tempFolder(), "vera"), vera)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: vera has peft_type "VERA", whose delta only the base model tells; .*lora-lego convert --base DIR/,
    );
  });
});
