/** A search on real rows by the real llama.cpp. Run by `npm run test:llama` after `npm run setup:llama`. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const bench = (...names) => fileURLToPath(new URL(`../../examples/minibench/${names.join("/")}`, import.meta.url));
const TASKS = ["cola", "qnli"];
const ROWS = 24;
const BUDGET = 14;

describe("lora-lego tune", () => {
  const folder = mkdtempSync(join(tmpdir(), "lora-lego-tune-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("finds a merge that does no worse on its rows, whose accuracy eval repeats", () => {
    const out = join(folder, "tuned");
    const cwd = fileURLToPath(new URL(".", import.meta.url));
    const run = (...words) =>
      JSON.parse(execFileSync(process.execPath, [main, ...words.map(String), "--threads", "1", "--json"], { cwd }));
    const adapters = TASKS.map((task) => bench("llama/all", task));
    const rows = TASKS.flatMap((task) => ["--tasks", bench("dev", `${task}.jsonl`)]);
    const test = TASKS.flatMap((task) => ["--test", bench("dev", `${task}.jsonl`)]);
    const searched = [
      "--base",
      bench("llama/base"),
      ...rows,
      ...test,
      "--limit",
      ROWS,
      "--budget",
      BUDGET,
      "--out",
      out,
    ];
    const { recommended, tuned, trials, unseen } = run("tune", ...adapters, ...searched);
    assert.equal(trials, BUDGET);
    assert.ok(tuned.loss <= recommended.loss, `${tuned.loss} against ${recommended.loss}`);
    assert.match(readFileSync(join(out, "recipe.yaml"), "utf8"), new RegExp(`method: ${tuned.recipe.method}`));
    const [, evaluated] = run("eval", "--base", bench("llama/base"), "--adapter", out, ...rows);
    for (const task of TASKS) {
      assert.ok(Math.abs(evaluated.tasks[task].accuracy - unseen.tuned.tasks[task]) < 0.004, task);
    }
  });
});
