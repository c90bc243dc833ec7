import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readMerged } from "../support/pico.ts";
import { a, b, fresh } from "./pair.ts";
import { run } from "./run.ts";

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
