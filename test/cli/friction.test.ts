import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

let folder = "";
const EXISTS = ["--out", "there"];

beforeAll(async () => {
  folder = tempFolder();
  for (const [t, name] of ["a", "b"].entries()) writeAdapter(join(folder, "adapters", name), randomAdapter(t));
  for (const name of ["README.md", "LICENSE", "list.json"]) writeFileSync(join(folder, "adapters", name), "{}");
  await run(["merge", "adapters/a", "--out", "there"], { cwd: folder });
});

describe.concurrent("a path that a shell lists beside adapters", () => {
  const listed = ["LICENSE", "README.md", "a", "b", "list.json"].map((name) => join("adapters", name));

  it.each(["merge", "compare", "audit", "inspect", "check", "verify"])(
    "is left out by %s with a notice",
    async (command) => {
      const flags: Record<string, string[]> = {
        merge: ["--dry-run"],
        check: ["--for", "peft"],
        compare: ["--methods", "svd"],
      };
      const { code, stderr } = await run([command, ...listed, ...(flags[command] ?? [])], { cwd: folder });
      expect([0, 1]).toContain(code);
      const notices = lines(stderr).filter((line) => line.endsWith("is no adapter by its name, and is left out."));
      expect(notices.map((line) => line.split(" ")[0])).toEqual(
        ["LICENSE", "README.md", "list.json"].map((name) => join("adapters", name)),
      );
    },
  );

  it("is refused where it stands alone, and where it may hold an adapter", async () => {
    const alone = await run(["inspect", "adapters/README.md"], { cwd: folder });
    expect([alone.code, alone.stderr]).toEqual([expect.any(Number), expect.stringMatching(/^error: /)]);
    expect(alone.code).toBeGreaterThan(0);
    writeFileSync(join(folder, "packed.zip"), "");
    const packed = await run(["merge", "adapters/a", "packed.zip", "--dry-run"], { cwd: folder });
    expect([packed.code, packed.stderr]).toEqual([expect.any(Number), expect.stringMatching(/^error: .*packed\.zip/)]);
    mkdirSync(join(folder, "notes.txt"));
    expect((await run(["merge", "adapters/a", "notes.txt", "--dry-run"], { cwd: folder })).code).toBeGreaterThan(0);
  });
});

describe.concurrent("a mistake in the inputs", () => {
  it.each([
    ["merge", ["merge", "adapters/a", "adapters/b", "--weights", "1", ...EXISTS], /2 adapters but 1 weight/],
    ["a path", ["merge", "adapters/a", "adapters/c", ...EXISTS], /no file or folder adapters\/c/],
  ])("of %s is told before that the output exists", async (_, args, expected) => {
    const { code, stderr } = await run(args, { cwd: folder });
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(expected);
  });

  it("of a recipe is told before that the output exists", async () => {
    writeFileSync(join(folder, "recipe.yaml"), "adapters: [adapters/a, adapters/b]\nexclude: [nowhere]\nout: there\n");
    const { code, stderr } = await run(["run", "recipe.yaml"], { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/exclude pattern "nowhere" matches no module/)]);
  });
});

it("a dry run needs no output, and has one line for modules that differ in numbers of their paths alone", async () => {
  const { code, stdout } = await run(["merge", "cola", "rte", "--dry-run"], { cwd: "examples/minibench/llama/all" });
  expect(code).toBe(0);
  expect(lines(stdout)).toHaveLength(9);
  expect(stdout).toMatch(/^The result would hold 28 modules by tsv, /);
  expect(stdout).toMatch(/^model\.layers\.\*\.self_attn\.q_proj \(4\) +linear +128 +128 +6 \+ 6 +6$/m);
});
