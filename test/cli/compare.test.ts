import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { writeAdapter } from "../support/pico.ts";
import { a, b, ended, fresh } from "./pair.ts";
import { lines, run } from "./run.ts";

const MINIBENCH = fileURLToPath(new URL("../../examples/minibench/llama/all", import.meta.url));

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

  it("gives what auto takes its place by what was measured at twice the rank", async () => {
    const seven = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"].map((task) => join(MINIBENCH, task));
    const { stdout } = await run(["compare", ...seven, "--methods", "lego,tsv,auto"]);
    expect(lines(stdout)[2]).toMatch(/^tsv \(auto\) +12 .* 90\.5 \/ 95\.6$/);
    expect(lines(stdout)[3]).toMatch(/^tsv +6 .* 93\.9 \/ 95\.1$/);
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
