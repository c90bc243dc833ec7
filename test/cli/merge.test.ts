import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PAPER } from "../../src/methods/lego/options.ts";
import { minibench, SEEN } from "../support/minibench.ts";
import { randomAdapter, readMerged, writeAdapter } from "../support/pico.ts";
import { a, b, ended, fresh, odd } from "./pair.ts";
import { lines, MAIN, run } from "./run.ts";

const FILES = ["README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.yaml"];

describe.concurrent("lora-lego merge", () => {
  it("prints the result on stdout and progress on stderr", async () => {
    const { out } = fresh();
    const { code, stdout, stderr } = await run(["merge", a, b, "--method", "lego", "--out", out]);
    expect(code).toBe(0);
    expect(readdirSync(out)).toEqual(FILES);
    expect(lines(stdout)[0]).toMatch(/merged: 2 modules, rank 3, f32, [\d.]+ kB$/);
    expect(stdout).toMatch(/^a +1 +4 +2 +\d\.\d{3} +\d+% [█·]{10}$/m);
    expect(stdout).toMatch(/^what merged with what +clusters +units$/m);
    expect(lines(stderr)).toEqual(["merging: 1 of 2 modules", "merging: 2 of 2 modules"]);
  });

  it("prints warnings on stderr with their ids, one line each", async () => {
    const { out } = fresh();
    const { code, stdout, stderr } = await run(["merge", a, a, "--out", out]);
    expect(code).toBe(0);
    const warnings = lines(stderr).filter((line) => line.startsWith("warning: "));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/a \(1\) and .*a \(2\) are the same adapter.* \[same-adapter\]$/);
    expect(stdout).not.toContain("warning");
  });

  it("prints nothing but the report with --json, the same that --report writes", async () => {
    const { folder, out } = fresh();
    const file = join(folder, "report.json");
    const { code, stdout, stderr } = await run([
      "merge",
      a,
      b,
      "--method",
      "svd",
      "--out",
      out,
      "--json",
      "--report",
      file,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout);
    expect(report).toEqual(JSON.parse(readFileSync(file, "utf8")));
    expect(report).toMatchObject({
      version: 1,
      inputs: [{ name: "a" }, { name: "b" }],
      totals: { modules: 2, rank: 4 },
    });
  });

  it("writes nothing with --dry-run, and says what it would write", async () => {
    const { folder, out } = fresh();
    const flags = ["--method", "lego", "--out", out, "--report", join(folder, "r.json"), "--dry-run"];
    const { code, stdout, stderr } = await run(["merge", a, b, "--rank", "3", ...flags]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(lines(stdout)[0]).toMatch(/merged would hold 2 modules by lego, rank 3, f32, .*; nothing was written\.$/);
    expect(stdout).toMatch(/^layers\.0\.q_proj +linear +6 +5 +4 \+ 2 +3$/m);
    expect(readdirSync(folder)).toEqual([]);
    const { stdout: json } = await run(["merge", a, b, "--rank", "3", ...flags, "--json"]);
    expect(JSON.parse(json)).toMatchObject({ method: "lego", rank: 3, inputs: [{ name: "a" }, { name: "b" }] });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says with --dry-run at which rank it merges where a program takes a larger one", async () => {
    const padded = await ended(["merge", a, b, "--rank", "3", "--for", "tgi", "--dry-run"]);
    expect(padded).toContain("It is merged at rank 3, and units of zeros make that 8, which TGI takes.");
    expect(await ended(["merge", a, b, "--rank", "8", "--for", "tgi", "--dry-run"])).toContain("at rank 4, and units");
    expect(await ended(["merge", a, b, "--rank", "3", "--dry-run"])).not.toContain("units of zeros");
    const energy = await ended(["merge", a, b, "--energy", "sv_fro=0.5", "--for", "tgi", "--dry-run"]);
    expect(energy).toContain("It is merged at rank 4 at most, and units of zeros make that 8, which TGI takes.");
  });

  it("says after the merge too that a program's rank is padded, and no other rank in a warning", async () => {
    const { code, stdout, stderr } = await run(["merge", a, b, "--rank", "200", "--for", "tgi", "--out", fresh().out]);
    const said = stdout.replaceAll(/\s+/g, " ");
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("so it is merged at that, and written as rank 8. [rank-reduced]"),
    ]);
    expect(said).toMatch(
      /rank 8, f32, [\d.]+ k?B It is merged at rank 4, and units of zeros make that 8, which TGI takes\./,
    );
  });

  it("says why auto takes a larger rank than the adapters' in the line that names it, unless somebody asked", async () => {
    const seven = SEEN.map(minibench);
    const [dry, asked] = [[], ["--rank", "12"]].map((flags) => ended(["merge", ...seven, ...flags, "--dry-run"]));
    expect(await dry).toContain("28 modules by tsv, rank 12 (room for each of 7 adapters), bf16,");
    expect(await dry).toContain("tsv was chosen for 7 adapters: ");
    const computes = "By headers alone: the merge computes its factor from the values";
    expect(await dry).toContain(
      `${computes}, and lora-lego audit says whether the adapters ask for a larger rank. module`,
    );
    expect(await dry).toContain(" model.layers.*.mlp.up_proj (4) linear 128 384 7 × 6 12 ");
    expect(await asked).toContain("28 modules by tsv, rank 12, bf16,");
    expect(await asked).toContain(`${computes}. module`);
    const fixed = await ended(["merge", ...seven, "--method", "tsv", "--rank", "6", "--dry-run"]);
    expect(fixed).not.toMatch(/was chosen|By headers alone/);
    const made = await ended(["merge", ...seven, "--out", fresh().out]);
    expect(made).toContain("28 modules, rank 12 (room for each of 7 adapters), bf16,");
    const tgi = await ended(["merge", ...seven, "--for", "tgi", "--dry-run"]);
    expect(tgi).toContain(
      "It is merged at rank 12 (room for each of 7 adapters), and units of zeros make that 16, which",
    );
    expect(await ended(["merge", a, b, "--dry-run"])).not.toContain("room for each");
  });

  it("says with --dry-run that an energy rule may take less", async () => {
    const plan = await ended(["merge", a, b, "--energy", "sv_fro=0.5", "--dry-run"]);
    expect(plan).toMatch(
      /would hold 2 modules by tsv, at most rank 4, f32, .*, at most [\d.]+ kB; nothing was written/,
    );
    expect(plan).toContain(" units at most rank ");
  });

  it("refuses with --dry-run what it would refuse without", async () => {
    const { out } = fresh();
    const { code, stdout, stderr } = await run(["merge", a, odd, "--out", out, "--dry-run"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: a and odd adapt different bases: layers\.0\.q_proj .*; merge adapters of one base/);
  });

  it("hands every option of the method to it", async () => {
    const { out } = fresh();
    const flags =
      "--method lego --gauge balanced --sign canonical --centre rank1 --reweight none --output-reweight off --metric cosine";
    const { code, stdout } = await run([
      "merge",
      a,
      b,
      "--out",
      out,
      "--json",
      ...flags.split(" "),
      "--effort=2.5",
      "--seed",
      "7",
      "--scale",
      "-0.5",
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).options).toMatchObject({
      gauge: "balanced",
      sign: "canonical",
      centre: "rank1",
      reweight: "none",
      outputReweight: false,
      metric: "cosine",
      effort: 2.5,
      seed: 7,
      scale: -0.5,
    });
  });

  it("takes the paper's options by --preset paper, but for those that are given", async () => {
    const { out } = fresh();
    const flags = ["--method", "lego", "--preset", "paper", "--sign", "line", "--json"];
    const { code, stdout } = await run(["merge", a, b, "--out", out, ...flags]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).options).toMatchObject({ ...PAPER, sign: "line" });
  });

  it("follows a method by a step, each with its own flags", async () => {
    const { out } = fresh();
    const flags = "--method core_space --rule dare_ties --density 0.3 --after svc --json".split(" ");
    const { code, stdout } = await run(["merge", a, b, "--out", out, ...flags]);
    expect(code).toBe(0);
    const { options } = JSON.parse(stdout);
    expect(options).toMatchObject({ method: "core_space", rule: "dare_ties", density: 0.3, after: "svc" });
  });

  it("subtracts by a negative weight of cat", async () => {
    const { out } = fresh();
    const args = ["merge", a, b, "--weights", "1,-1", "--method", "cat", "--dtype", "bf16", "--out", out, "--json"];
    const { code, stdout } = await run(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).totals).toMatchObject({ rank: 6, dtype: "bf16" });
    const [result, one, other] = [out, a, b].map((path) => readMerged(path).modules.get("layers.0.q_proj")!);
    for (const [i, value] of result!.delta.entries()) {
      expect(value).toBeCloseTo(one!.delta[i]! - other!.delta[i]!, 1);
    }
  });

  it("finishes and cleans up when nobody reads what it says", async () => {
    const { folder, out } = fresh();
    const child = spawn(process.execPath, [MAIN, "merge", a, b, "--out", out], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    child.stderr.destroy();
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual(["merged"]);
  });

  it("starts no more threads than there are jobs", async () => {
    const { out } = fresh();
    const { code, stderr } = await run(["merge", a, b, "--threads", "100000", "--out", out]);
    expect([code, stderr.includes("error")]).toEqual([0, false]);
  });

  it("chooses modules and weights in them by patterns, each flag as often as needed", async () => {
    const { out } = fresh();
    const args = ["merge", a, b, "--method", "cat", "--out", out, "--json"];
    const weights = ["--module-weights", "**=2,2", "--module-weights", "layers.1.*=-1,0"];
    const { code, stdout } = await run([...args, ...weights]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).modules).toMatchObject([{ weights: [2, 2] }, { weights: [-1, 0] }]);
    const chosen = await run([
      ...args,
      "--force",
      "--include",
      "layers.1.*",
      "--include",
      "0.q_proj",
      "--exclude",
      "1.*",
    ]);
    expect(chosen.code).toBe(0);
    expect(JSON.parse(chosen.stdout).skipped).toEqual(["layers.1.q_proj: left out by exclude 1.*"]);
    expect([...readMerged(out).modules.keys()]).toEqual(["layers.0.q_proj"]);
  });

  it("keeps an output without --force, and replaces it with", async () => {
    const { out } = fresh();
    await run(["merge", a, "--out", out]);
    const before = readFileSync(join(out, "README.md"), "utf8");
    const refused = await run(["merge", a, b, "--out", out]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^error: The output .*merged exists; pass --force to replace it/);
    expect(readFileSync(join(out, "README.md"), "utf8")).toBe(before);
    expect(await run(["merge", a, b, "--out", out, "--force"])).toMatchObject({ code: 0 });
    expect(readFileSync(join(out, "README.md"), "utf8")).not.toBe(before);
  });

  it("writes module ranks of their own with --rank-layout pattern, and one for all without", async () => {
    const { folder, out } = fresh();
    const names = ["layers.0.q_proj", "layers.1.q_proj"] as const;
    const uneven = writeAdapter(
      join(folder, "uneven"),
      randomAdapter(5, {
        modules: { [names[0]]: { in: 6, out: 5, rank: 3 }, [names[1]]: { in: 4, out: 7, rank: 1 } },
        config: { rank_pattern: { [names[1]]: 1 }, alpha_pattern: { [names[1]]: 1 } },
      }),
    );
    const ranks = () => names.map((name) => readMerged(out).modules.get(name)!.rank);
    await run(["merge", uneven, "--out", out, "--rank-layout", "pattern"]);
    expect(ranks()).toEqual([3, 1]);
    expect(readMerged(out).config.rank_pattern).toEqual({ [names[1]]: 1 });
    await run(["merge", uneven, "--out", out, "--force"]);
    expect(ranks()).toEqual([3, 3]);
    expect(readMerged(out).config.rank_pattern).toEqual({});
  });
});
