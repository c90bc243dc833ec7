import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { randomAdapter, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const STEPS = `steps:
  - name: both
    adapters: [a, b]
    method: cat
  - name: all
    adapters: [{ step: both }, b]
    method: lego
    rank: 2
`;

let adapters = "";

beforeAll(() => {
  adapters = tempFolder();
  for (const [i, name] of ["a", "b"].entries()) writeAdapter(join(adapters, name), randomAdapter(i + 1, { rank: 3 }));
});

/** A folder with a recipe for the adapters, which lie elsewhere. */
function folderWith(recipe: string): string {
  const folder = tempFolder();
  writeFileSync(join(folder, "r.yaml"), recipe);
  return folder;
}

describe.concurrent("lora-lego run", () => {
  it("merges as the recipe says, into --out", async () => {
    const cwd = folderWith("adapters: [a, b]\nrank: 2\n");
    const { code, stdout, stderr } = await run(["run", "r.yaml", "--adapters", adapters, "--out", "merged"], { cwd });
    expect(code).toBe(0);
    expect(lines(stdout)[0]).toMatch(/^merged: 2 modules, rank 2, f32/);
    expect(lines(stderr)).toEqual(["merging: 1 of 2 modules", "merging: 2 of 2 modules"]);
    expect(readMerged(join(cwd, "merged")).config.r).toBe(2);
  });

  it("runs steps, and prints the last one's result", async () => {
    const cwd = folderWith(`${STEPS}out: deep/merged\n`);
    const { code, stdout, stderr } = await run(["run", "r.yaml", "--adapters", adapters], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/merged: 2 modules, rank 2/);
    expect(stdout).toMatch(/^both +1 +6 +2 /m);
    expect(lines(stderr).filter((line) => line.startsWith("step "))).toEqual(["step both", "step all"]);
    expect(readdirSync(join(cwd, "deep"))).toEqual(["merged"]);
  });

  it("plans every step with --dry-run, and writes nothing", async () => {
    const cwd = folderWith(STEPS);
    const args = ["run", "r.yaml", "--adapters", adapters, "--dry-run"];
    const { code, stdout } = await run(args, { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^step both would hold 2 modules by cat, rank 6.*; nothing was written\.$/m);
    expect(stdout).toMatch(/^the output would hold 2 modules by lego, rank 2.*; nothing was written\.$/m);
    const { stdout: json } = await run([...args, "--json"], { cwd });
    expect(JSON.parse(json)).toMatchObject({
      steps: [
        { name: "both", plan: { method: "cat", rank: 6 } },
        { name: "all", plan: { method: "lego", rank: 2 } },
      ],
    });
    expect(readdirSync(cwd)).toEqual(["r.yaml"]);
  });

  it("prints reports as JSON: the merge's own, or one for each step", async () => {
    const cwd = folderWith(STEPS);
    writeFileSync(join(cwd, "one.yaml"), "adapters: [a]\n");
    const flags = ["--adapters", adapters, "--json", "--out"];
    const one = await run(["run", "one.yaml", ...flags, "one"], { cwd });
    expect(one.stderr).toBe("");
    expect(JSON.parse(one.stdout)).toMatchObject({ version: 1, inputs: [{ name: "a" }] });
    const steps = await run(["run", "r.yaml", ...flags, "all"], { cwd });
    expect(JSON.parse(steps.stdout)).toMatchObject({
      steps: [
        { name: "both", report: { version: 1 } },
        { name: "all", report: { inputs: [{ name: "both" }, { name: "b" }] } },
      ],
    });
  });

  it("gives the same bytes again from the recipe that a merge wrote, run where its adapters lie", async () => {
    const cwd = tempFolder();
    const flags = [
      "--method",
      "lego",
      "--weights",
      "1,0.3",
      "--sign",
      "line",
      "--dtype",
      "f16",
      "--module-weights",
      "layers.1.*=2,1",
    ];
    await run(["merge", join(adapters, "a"), join(adapters, "b"), "--out", join(cwd, "first"), ...flags]);
    const args = ["run", join(cwd, "first/recipe.yaml"), "--adapters", ".", "--out", join(cwd, "second")];
    expect((await run(args, { cwd: adapters })).code).toBe(0);
    const [first, second] = ["first", "second"].map((name) =>
      readFileSync(join(cwd, name, "adapter_model.safetensors")),
    );
    expect(second).toEqual(first);
  });

  it("ends with status 2 and the place of a mistake", async () => {
    const cwd = folderWith("adapters: [a, b]\nmethod: lego\noptoins: {}\n");
    const { code, stdout, stderr } = await run(["run", "r.yaml", "--out", "merged"], { cwd });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe('error: r.yaml:3:1: "optoins" is unknown here; did you mean options?\n');
    const missing = await run(["run", "none.yaml"], { cwd });
    expect([missing.code, missing.stderr]).toEqual([
      2,
      "error: There is no recipe file none.yaml; pass the path of a YAML file.\n",
    ]);
    expect(readdirSync(cwd)).toEqual(["r.yaml"]);
  });

  it("shows its usage", async () => {
    const { code, stdout } = await run(["run", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: lora-lego run \[options\] <recipe>/);
    for (const flag of ["--out", "--adapters", "--threads", "--dry-run", "--force", "--json"]) {
      expect(stdout).toMatch(new RegExp(`^  (-., )?${flag} `, "m"));
    }
  });
});

describe("Ctrl-C during a recipe", () => {
  it("leaves nothing behind, results of steps neither, and ends with status 130", async () => {
    const root = tempFolder();
    const modules = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`layers.${i}.q_proj`, { in: 64, out: 64 }]),
    );
    for (const seed of [1, 2, 3]) {
      writeAdapter(join(root, `x${seed}`), randomAdapter(seed, { modules, rank: 16, dtype: "BF16" }));
    }
    const cwd = folderWith(`steps:
  - { name: first, adapters: [x1, x2], method: cat }
  - { name: second, adapters: [{ step: first }, x3], method: lego, options: { effort: 6 } }
out: merged
`);
    let during: string[] = [];
    let said = "";
    const ended = await run(["run", "r.yaml", "--adapters", root], {
      cwd,
      onStderr(child, text) {
        said += text;
        if (during.length > 0 || !/step second\nmerging: /.test(said)) return;
        during = readdirSync(cwd);
        child.kill("SIGINT");
      },
    });
    expect(during).toContainEqual(expect.stringMatching(/^merged\.tmp-\d+$/));
    expect(ended).toMatchObject({ code: 130, signal: null, stdout: "" });
    expect(lines(ended.stderr).at(-1)).toBe("Interrupted; nothing was written.");
    expect(readdirSync(cwd)).toEqual(["r.yaml"]);
  });
});
