import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeModel } from "../support/models.ts";
import { randomAdapter, readMerged, relativeError, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const folder = tempFolder();
const Q = "model.layers.0.q_proj";
const rows = (seed: number): number[][] =>
  Array.from({ length: 6 }, (_, i) => Array.from({ length: 5 }, (_, j) => Math.sin(seed + 7 * i + j)));
const base = writeModel(join(folder, "base"), [{ [`${Q}.weight`]: rows(1), "model.norm.weight": [1] }]);
const adapter = writeAdapter(
  join(folder, "adapter"),
  randomAdapter(1, { modules: { [Q]: { in: 5, out: 6 } }, config: { lora_alpha: 3 } }),
);

describe("lora-lego extract", () => {
  it("gives back the delta that fuse added", async () => {
    const tuned = join(folder, "tuned");
    expect((await run(["fuse", adapter, "--base", base, "--out", tuned])).code).toBe(0);
    const out = join(folder, "lora");
    const { code, stdout, stderr } = await run([
      "extract",
      "--base",
      base,
      "--tuned",
      tuned,
      "--rank",
      "2",
      "--out",
      out,
    ]);
    expect([code, lines(stderr)]).toEqual([0, ["extracting: 1 of 1 modules"]]);
    expect(stdout).toMatch(/lora: 1 module, rank 2, [\d.]+ kB; energy kept 1\.000\n/);
    expect(stdout).not.toContain("a larger --rank holds more");
    expect(stdout).toMatch(/^Load it .*\n(?: {2}.*\n)* {2}PEFT +PeftModel\.from_pretrained\(model, ".*lora"\)$/m);
    // The base is named as it was typed.
    expect(stdout).toContain(`vllm serve ${base} --enable-lora`);
    expect(readdirSync(out).sort()).toEqual(["README.md", "adapter_config.json", "adapter_model.safetensors"]);
    const [expected, found] = [adapter, out].map((dir) => readMerged(dir).modules.get(Q)!.delta);
    expect(relativeError(found!, expected!)).toBeLessThan(1e-5);
    const less = ["extract", "--base", base, "--tuned", tuned, "--rank", "1", "--out", join(folder, "less")];
    expect((await run(less)).stdout).toMatch(
      /^Rank 1 holds \d+% of the energy of the change, less than 90%: a larger --rank\n {2}holds more\.$/m,
    );
    const json = await run([
      "extract",
      "--base",
      base,
      "--tuned",
      tuned,
      "--rank",
      "1",
      "--out",
      join(folder, "one"),
      "--json",
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({ rank: 1, unrepresented: [], modules: [{ name: Q }] });
  });

  it.concurrent("refuses a tuned model whose config names another one", async () => {
    const models = ["llama", "mistral"].map((model_type, i) => {
      const name = join(folder, `named-${model_type}`);
      const weights = { [`${Q}.weight`]: rows(i), "model.norm.weight": [1] };
      writeModel(name, [weights]);
      writeFileSync(join(name, "config.json"), JSON.stringify({ model_type }));
      return name;
    });
    const out = join(folder, "other");
    const given = ["--base", models[0]!, "--tuned", models[1]!, "--rank", "1", "--out", out];
    const { code, stderr } = await run(["extract", ...given]);
    expect([code, lines(stderr)]).toEqual([
      1,
      [
        expect.stringContaining(
          "named-mistral/config.json says model_type mistral, but named-llama/config.json says llama;",
        ),
      ],
    ]);
    expect(readdirSync(folder)).not.toContain("other");
  });

  it.concurrent("refuses models that do not differ, and leaves nothing", async () => {
    const { code, stderr } = await run([
      "extract",
      "--base",
      base,
      "--tuned",
      base,
      "--rank",
      "1",
      "--out",
      join(folder, "x"),
    ]);
    expect([code, lines(stderr)]).toEqual([2, [expect.stringMatching(/hold the same weights/)]]);
    expect(readdirSync(folder).filter((name) => name.startsWith("x"))).toEqual([]);
  });
});
