import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { PAPER } from "../../src/methods/lego/options.ts";
import { type PicoAdapter, randomAdapter, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, MAIN, run } from "./run.ts";

const FILES = ["README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.yaml"];
const ESCAPE = String.fromCharCode(27);

let a = "";
let b = "";
/** A module of a's name, but of another size. */
let odd = "";
const MINIBENCH = fileURLToPath(new URL("../../examples/minibench/llama/all", import.meta.url));

beforeAll(() => {
  const root = tempFolder();
  a = writeAdapter(join(root, "a"), randomAdapter(1, { rank: 4 }));
  b = writeAdapter(join(root, "b"), randomAdapter(2, { rank: 2, config: { lora_alpha: 4, r: 2 } }));
  odd = writeAdapter(join(root, "odd"), randomAdapter(3, { modules: { "layers.0.q_proj": { in: 3, out: 5 } } }));
});

/** What a command prints, as one line. */
async function ended(args: readonly string[]): Promise<string> {
  return (await run(args)).stdout.replaceAll(/\s+/g, " ");
}

/** Where a test writes. */
function fresh(): { folder: string; out: string } {
  const folder = tempFolder();
  return { folder, out: join(folder, "merged") };
}

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

describe.concurrent("lora-lego compare", () => {
  it("prints a row for each method and rank, as JSON and as a page too", async () => {
    const { folder } = fresh();
    const page = join(folder, "compare.html");
    const args = ["compare", a, b, "--methods", "lego,svd", "--ranks", "2,3", "--html", page];
    const { code, stdout } = await run(args);
    expect(code).toBe(0);
    expect(
      lines(stdout)
        .slice(1, 6)
        .map((line) => line.split(/ +/).slice(0, 2)),
    ).toEqual([
      ["method", "rank"],
      ["lego", "2"],
      ["lego", "3"],
      ["svd", "2"],
      ["svd", "3"],
    ]);
    expect(readFileSync(page, "utf8")).toMatch(/^<!doctype html>/);
    const { merges } = JSON.parse((await run([...args, "--json"])).stdout);
    expect(merges).toHaveLength(4);
  });

  it("says which methods do not take the adapters, and refuses unknown ones", async () => {
    const { code, stdout } = await run(["compare", a, b]);
    const words = stdout.replace(/\s+/g, " ");
    expect(code).toBe(0);
    expect(words).toMatch(/left out: linear, \w+[\w, ]*: each needs adapters of equal rank/);
    expect(words.match(/needs adapters of equal rank/g)).toHaveLength(1);
  });

  it("says that one adapter is little to compare, and names no flag that it does not have", async () => {
    const alone = await ended(["compare", a]);
    expect(alone).toContain(
      "1 adapter: a Most methods leave one adapter as it is: pass two or more to compare merges.",
    );
    expect(alone).toMatch(/each merges 2 adapters, but 1 is given; pass 2, or choose another method\./);
    expect(await ended(["compare", a, b])).not.toContain("Most methods leave");
  });

  it("names each method once, with those that a larger rank does not change and those that it leaves out", async () => {
    const three = ["cola", "mnli", "mrpc"].map((task) => join(MINIBENCH, task));
    const methods = ["--methods", "ties,linear,tsv,slerp,nuslerp", "--ranks", "6,12"];
    const { stdout } = await run(["compare", ...three, ...methods]);
    const rows = lines(stdout).filter((line) => /^\w+ +\d+ /.test(line));
    expect(rows.map((line) => line.split(/ +/).slice(0, 2).join(" ")).sort()).toEqual([
      "linear 6",
      "ties 6",
      "tsv 12",
      "tsv 6",
    ]);
    const words = stdout.replace(/\s+/g, " ");
    expect(words).toContain(
      "once, as a larger rank changes nothing: ties, linear left out: slerp, nuslerp: each merges 2",
    );
    expect(words).not.toContain("left out as slow");
    const all = await run(["compare", ...three]);
    expect(all.stdout.replace(/\s+/g, " ")).toMatch(
      /left out as slow, unless --methods names them: .*\bties_svd, .*\bdella\b/,
    );
  });

  it("fits 80 columns, explains each column in a line, and does not call a higher cosine better", async () => {
    const adapters = ["cola", "mnli", "mrpc"].map((task) => join(MINIBENCH, task));
    const args = ["compare", ...adapters, "--ranks", "6", "--methods", "model_stock,lego,tsv"];
    const { stdout } = await run(args);
    const shown = lines(stdout);
    expect(shown.filter((line) => line.length > 80)).toEqual([]);
    const head = shown[1]!.split(/ +/);
    expect(head).toEqual(["method", "rank", "norm", "energy", "cosines", "signs", "eff.", "s", "measured"]);
    for (const column of head.slice(1)) expect(shown.filter((line) => line.startsWith(`${column} `))).toHaveLength(1);
    expect(stdout.replace(/\s+/g, " ")).toContain("A higher cosine or energy is not better");
    // In the order of what was measured, with what was not at the end.
    expect(shown.slice(2, 5).map((line) => line.split(/ +/)[0])).toEqual(["tsv", "lego", "model_stock"]);
    expect(shown[2]).toMatch(/ 93\.9 \/ 95\.1$/);
  });

  it("shows names of adapters and tells which are practically lost, with nothing that could control a terminal", async () => {
    const { folder } = fresh();
    const [large, small] = ["large", "small\u001b[31m"].map((name) => join(folder, name));
    const q = (at: number, size: number) => ({ A: [[1 - at, at]], B: [[size * (1 - at)], [size * at]] });
    writeAdapter(large!, { modules: { q: q(0, 100) } });
    writeAdapter(small!, { modules: { q: q(1, 1) } });
    const { stdout } = await run(["compare", large!, small!, "--methods", "svd"]);
    expect(stdout).toMatch(/^2 adapters: large, small\\u001b\[31m$/m);
    expect(stdout).toMatch(/^practically lost: small\\u001b\[31m, by svd$/m);
    expect(stdout).not.toContain("\u001b");
  });

  it("refuses a method that there is not", async () => {
    const unknown = await run(["compare", a, b, "--methods", "lgeo"]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('no method "lgeo"')]);
  });
});

describe.concurrent("lora-lego resize", () => {
  it("keeps the leading singular directions, or clusters with --method lego", async () => {
    const { out } = fresh();
    const { code, stdout } = await run(["resize", a, "--rank", "2", "--out", out, "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ totals: { rank: 2 }, options: { method: "svd" } });
    // The best approximation of rank 2 keeps at least half of the squares of rank 4.
    expect(report.totals.energy).toBeGreaterThan(0.5);
    const clustered = await run(["resize", a, "--rank", "2", "--method", "lego", "--out", `${out}-lego`, "--json"]);
    expect(JSON.parse(clustered.stdout).options.method).toBe("lego");
    expect(JSON.parse(clustered.stdout).totals.energy).toBeLessThan(report.totals.energy);
  });

  it("takes an energy rule, each module its own rank", async () => {
    const { out } = fresh();
    const { code, stdout } = await run(["resize", a, "--energy", "sv_fro=0.9", "--out", out, "--json"]);
    expect(code).toBe(0);
    for (const { rank, energy } of JSON.parse(stdout).modules) {
      expect(rank).toBeLessThanOrEqual(4);
      expect(energy).toBeGreaterThanOrEqual(0.81);
    }
  });
});

describe.concurrent("--budget", () => {
  it.each([["merge", "--method", "tsv"], ["resize"], ["prune"]])(
    "shares out ranks over modules in %s",
    async (command, ...flags) => {
      const { out } = fresh();
      const args = [command, ...(command === "merge" ? [a, b] : [a]), ...flags, "--budget", "2", "--out", out];
      const { code, stdout } = await run([...args, "--json"]);
      expect(code).toBe(0);
      const { modules, budget, options } = JSON.parse(stdout);
      const ranks: number[] = modules.map(({ rank }: { readonly rank: number }) => rank);
      expect(budget).toEqual({ total: 4, used: 4 });
      expect(options.rankLayout).toBe("pattern");
      expect([...readMerged(out).modules.values()].map((module) => module.rank)).toEqual(ranks);
      expect(readFileSync(join(out, "recipe.yaml"), "utf8")).toMatch(/^budget: 2$/m);
      const again = await run([...args, "--force"]);
      expect(again.stdout).toContain(
        `budget: 4 of 4 ranks, ${Math.min(...ranks)} to ${Math.max(...ranks)} for each module\n`,
      );
    },
  );

  it("says in a plan that the ranks are limits", async () => {
    const { out } = fresh();
    const { code, stdout } = await run(["merge", a, b, "--budget", "2", "--out", out, "--dry-run"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/would hold 2 modules by tsv, 4 ranks to share out, f32, .*, at most [\d.]+ kB; nothing/);
    expect(stdout).toMatch(/ at most rank$/m);
  });
});

describe.concurrent("lora-lego prune", () => {
  it.each([
    ["--keep", "0.5", 2],
    ["--rank", "3", 3],
  ])("shrinks one adapter by %s %s", async (flag, value, rank) => {
    const { out } = fresh();
    const { code, stdout } = await run(["prune", a, flag, value, "--out", out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`merged: 2 modules, rank ${rank}, f32`));
    expect([...readMerged(out).modules.values()].map((module) => module.rank)).toEqual([rank, rank]);
  });
});

describe.concurrent("lora-lego inspect", () => {
  it("prints every adapter that it can read, an error for each other, and ends with status 1", async () => {
    const { folder } = fresh();
    const { code, stdout, stderr } = await run(["inspect", a, folder, b, "--modules"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^a: PEFT LoRA for pico, [\d.]+ kB$/m);
    expect(stdout).toMatch(/^b: PEFT LoRA for pico/m);
    expect(stdout).toMatch(/^ {2}2 modules \(linear\), rank 2, scale 2, f32$/m);
    expect(stdout).toMatch(/^layers\.1\.q_proj +4 +7 +4 +1 +[\d.]+ +[\d.]+ +([\d.]+ ){3}[\d.]+$/m);
    expect(lines(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/^error: lora-lego-\w+ holds no adapter: expected adapter_config\.json/);
  });

  it("prints the good ones as JSON beside the errors of the others", async () => {
    const { folder } = fresh();
    const { code, stdout, stderr } = await run(["inspect", folder, b, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([{ name: "b", ranks: [2], scales: [2], dtypes: ["f32"], extras: [] }]);
    expect(lines(stderr)).toHaveLength(1);
  });

  it("ends with status 0 for adapters that only deserve a warning", async () => {
    const { folder } = fresh();
    const zero: PicoAdapter = { modules: { "layers.0.q_proj": { A: [[1, 2]], B: [[0], [0]] } } };
    const { code, stdout, stderr } = await run(["inspect", writeAdapter(join(folder, "zero"), zero)]);
    expect(code).toBe(0);
    expect(stdout).toContain("1 zero module");
    expect(lines(stderr)).toEqual(["warning: zero changes nothing: all its deltas are zero. [zero-adapter]"]);
  });

  it("shows characters that could steer the terminal as escapes", async () => {
    const { folder } = fresh();
    const evil: PicoAdapter = {
      modules: { [`q${ESCAPE}[2J`]: { A: [[1, 2]], B: [[1], [2]] } },
      config: { base_model_name_or_path: `${ESCAPE}]0;pwned`, [`new${ESCAPE}field`]: 1 },
      extras: { [`base_model.model.head${ESCAPE}.weight`]: [1] },
    };
    const shown = await run(["inspect", writeAdapter(join(folder, "evil"), evil), "--modules"]);
    expect(shown.code).toBe(0);
    for (const text of ["q\\u001b[2J", "for \\u001b]0;pwned", "head\\u001b.weight"]) {
      expect(shown.stdout).toContain(text);
    }
    expect(shown.stderr).toContain("sets new\\u001bfield in its config");
    const worse: PicoAdapter = { ...evil, extras: { [`x.lora_q${ESCAPE}\nwarning: all is well`]: [1] } };
    const told = await run(["inspect", writeAdapter(join(folder, "evil"), worse)]);
    expect(told.stdout).toContain("lora_q\\u001b\\u000awarning: all is well");
    const refused = await run(["verify", join(folder, "evil")]);
    expect(lines(refused.stderr)).toHaveLength(1);
    expect(refused.stderr).toContain("lora_q\\u001b\\u000awarning: all is well");
    for (const { stdout, stderr } of [shown, told, refused]) expect(stdout + stderr).not.toContain(ESCAPE);
  });
});

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

describe.concurrent("colours", () => {
  it("are used where they are asked for, and never under NO_COLOR", async () => {
    const { out } = fresh();
    const args = ["merge", a, odd, "--out", out];
    const coloured = await run(args, { env: { FORCE_COLOR: "1", NO_COLOR: "" } });
    expect(coloured.stderr).toContain(`${ESCAPE}[31merror:${ESCAPE}[39m`);
    const plain = await run(args, { env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    expect(plain.stderr).toMatch(/^error: a and odd/);
    expect(plain.stderr).not.toContain(ESCAPE);
    expect(existsSync(out)).toBe(false);
  });
});
