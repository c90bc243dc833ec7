import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { printable, printableJson } from "../../src/core/printable.ts";
import { writeModel } from "../support/models.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { run } from "./run.ts";

/** A red word, a change of direction, a C1 control, a line of its own and the bell. */
const EVIL = "\u001b[31mred\u202e\u009b2J\nerror: forged\u0007";
const SHOWN = "\\u001b[31mred\\u202e\\u009b2J\\u000aerror: forged\\u0007";
/** The same in one line, as tensors may be called. */
const NAME = EVIL.replace("\n", " ");
const ESCAPE = "\u001b[";
const root = tempFolder();
const modules = { [`layers.0.${NAME}.q_proj`]: { in: 3, out: 2 }, [`layers.1.${NAME}.q_proj`]: { in: 3, out: 2 } };
const evil = (name: string, seed: number): string =>
  writeAdapter(
    join(root, `${name}-${EVIL}`),
    randomAdapter(seed, {
      modules,
      config: { base_model_name_or_path: EVIL, [`field-${EVIL}`]: EVIL, target_modules: ["q_proj"] },
    }),
  );
const a = evil("a", 1);
const b = evil("b", 2);
const weight = (seed: number) => [
  [seed, 2, 3],
  [4, 5, 6],
];
const model = (name: string, seed: number): string =>
  writeModel(join(root, `${name}-${EVIL}`), [
    {
      [`layers.0.${NAME}.q_proj.weight`]: weight(seed),
      [`layers.1.${NAME}.q_proj.weight`]: weight(seed),
      [`norm.${EVIL}`]: [seed],
    },
  ]);
const base = model("base", 1);
const tuned = model("tuned", 9);

const out = (): string => join(tempFolder(), `out-${EVIL}`);
const COMMANDS: [string, () => string[]][] = [
  ["inspect", () => ["inspect", a, b, "--modules"]],
  ["audit", () => ["audit", a, b]],
  ["audit --of", () => ["audit", a, "--of", b]],
  ["compare", () => ["compare", a, b, "--methods", "cat,slerp"]],
  ["check", () => ["check", a, "--for", "vllm"]],
  ["merge", () => ["merge", a, b, "--out", out()]],
  ["merge --dry-run", () => ["merge", a, b, "--out", out(), "--dry-run"]],
  ["resize", () => ["resize", a, "--rank", "1", "--out", out()]],
  ["convert", () => ["convert", a, "--to", "mlx", "--out", out()]],
  ["verify", () => ["verify", a, b]],
  ["fuse", () => ["fuse", a, "--base", base, "--out", out()]],
  ["extract", () => ["extract", "--base", base, "--tuned", tuned, "--rank", "1", "--out", out()]],
  ["a refusal", () => ["inspect", join(root, EVIL)]],
  ["a flag that there is none of", () => ["inspect", a, `--${NAME}`]],
  ["a command that there is none of", () => [NAME]],
  ["a recipe", () => ["run", join(root, EVIL)]],
];

/** Controls but for the end of a line, and what changes the direction of text. */
const STEERING = /[^\P{Cc}\n]|[\p{Bidi_Control}\u2028\u2029]/u;

describe("names out of files on the terminal", () => {
  it.concurrent.each(COMMANDS)("cannot steer it: %s", async (_, args) => {
    const { stdout, stderr } = await run(args());
    expect(`${stdout}${stderr}`).not.toMatch(STEERING);
    expect(`${stdout}${stderr}`).not.toMatch(/^error: forged/m);
    expect(`${stdout}${stderr}`).not.toContain("This is a bug");
  });

  it.concurrent("are shown as escapes, once, beside colours of ours", async () => {
    const { stdout } = await run(["check", a, "--for", "vllm"], { env: { NO_COLOR: "", FORCE_COLOR: "1" } });
    expect(stdout).toContain(`a-${SHOWN}: `);
    expect(stdout.replaceAll(new RegExp(`${ESCAPE.replace("[", "\\[")}\\d+m`, "g"), "")).not.toMatch(STEERING);
    const refused = await run(["inspect", join(root, "none")], { env: { NO_COLOR: "", FORCE_COLOR: "1" } });
    expect(refused.stderr.startsWith(`${ESCAPE}31merror:${ESCAPE}39m There is no file`)).toBe(true);
  });

  it.concurrent("are the same in JSON, which is safe to print too", async () => {
    const { stdout } = await run(["inspect", a, "--json"]);
    expect(stdout).not.toMatch(STEERING);
    const [{ name, modules: found }] = JSON.parse(stdout);
    expect(name).toBe(`a-${EVIL}`);
    expect(found.map((module: { name: string }) => module.name)).toEqual(Object.keys(modules));
  });

  it.concurrent("are escaped in cards, pages and reports", async () => {
    const folder = tempFolder();
    const [merged, page, report] = ["merged", "page.html", "report.json"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    expect((await run(["merge", a, b, "--out", merged, "--report", report])).code).toBe(0);
    expect((await run(["compare", a, b, "--methods", "cat", "--html", page])).code).toBe(0);
    for (const file of [join(merged, "README.md"), page, report]) {
      expect(readFileSync(file, "utf8"), file).not.toMatch(STEERING);
    }
    expect(JSON.parse(readFileSync(report, "utf8")).inputs[0].name).toBe(`a-${EVIL}`);
  });

  it.concurrent("of files that a killed run left cannot steer it either", async () => {
    const target = out();
    mkdirSync(`${target}.tmp-99999999`);
    const { stderr } = await run(["merge", a, "--out", target]);
    expect(stderr).toContain("Removed out-");
    expect(stderr).not.toMatch(STEERING);
  });
});

describe("printable", () => {
  it("escapes controls, changes of direction and line breaks, and nothing else", () => {
    expect(printable(EVIL)).toBe(SHOWN);
    expect(printable("\u0085\u2028\u2029\u2066")).toBe("\\u0085\\u2028\\u2029\\u2066");
    expect(printable('Größe 大 \u{1f600} \\ "')).toBe('Größe 大 \u{1f600} \\ "');
  });

  it("makes JSON that means the same", () => {
    const value = { [EVIL]: [EVIL, "\u007f\u0080\u2028"], b: null };
    expect(JSON.parse(printableJson(value))).toEqual(value);
    expect(printableJson(value)).not.toMatch(STEERING);
  });
});
