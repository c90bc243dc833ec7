import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kebab } from "../../src/core/kebab.ts";
import { VERSION } from "../../src/core/version.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { run } from "./run.ts";

let folder = "";

beforeAll(() => {
  folder = tempFolder();
  for (const [t, name] of ["a", "b"].entries()) writeAdapter(join(folder, name), randomAdapter(t));
});

describe.concurrent("lora-lego help", () => {
  it("lists the commands, with examples and what exit statuses mean", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const command of ["merge", "prune", "inspect", "verify"]) {
      expect(stdout).toMatch(new RegExp(`^  ${command} \\[options\\] <adapter`, "m"));
    }
    expect(stdout).toMatch(/^ {2}methods \[options\]/m);
    expect(stdout).toContain("Examples:\n  lora-lego merge ");
    expect(stdout).toContain(
      "Exit status: 0 done, 1 failed or refused, 2 wrong usage (a path where nothing is, too), 130 interrupted.",
    );
  });

  it.each([
    [
      "prune",
      ["--keep", "--rank", "--dtype", "--rank-layout", "--out", "--threads", "--report", "--dry-run", "--force"],
    ],
    ["audit", ["--of", "--stream", "--json"]],
    ["inspect", ["--modules", "--json"]],
    ["verify", ["--rank", "--seed", "--json"]],
  ])("shows usage, options and an example of %s", async (command, flags) => {
    const { code, stdout, stderr } = await run([command, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: lora-lego ${command} \\[options\\] <adapter`));
    for (const flag of flags) expect(stdout).toMatch(new RegExp(`^  (-., )?${flag} `, "m"));
    expect(stdout).toMatch(new RegExp(`^Examples?:\n  lora-lego ${command} `, "m"));
  });

  it.each([["help mergge"], ["mergge --help"], ["mergge -h"]])(
    "is none of a command that there is not: `%s`",
    async (words) => {
      const { code, stdout, stderr } = await run(words.split(" "));
      expect([code, stdout, stderr]).toEqual([2, "", "error: unknown command 'mergge'\n(Did you mean merge?)\n"]);
    },
  );

  it.each([["merge --help"], ["help merge"]])(
    "shows the default method, and no option of a method, by `%s`",
    async (words) => {
      const { code, stdout } = await run(words.split(" "));
      expect(code).toBe(0);
      expect(stdout.replace(/\s+/g, " ")).toMatch(/--method <id> [^-]*\(default: "auto"\)/);
      expect(stdout).toMatch(/^Options of a method: lora-lego merge --method <id> --help$/m);
      for (const { parameters } of METHODS) {
        for (const name of Object.keys(parameters)) expect(stdout).not.toContain(`--${kebab(name)} <`);
      }
    },
  );

  it.each([["merge --method lego --help"], ["merge --help --method=lego"]])(
    "shows every option of the method by `%s`",
    async (words) => {
      const { code, stdout } = await run(words.split(" "));
      expect(code).toBe(0);
      const lego = METHODS.find(({ id }) => id === "lego")!;
      const parameters = Object.entries(lego.parameters);
      expect(parameters.length).toBeGreaterThan(0);
      for (const [name, { description }] of parameters) {
        expect(stdout.replace(/\s+/g, " ")).toContain(description);
        expect(stdout).toMatch(new RegExp(`^  --${kebab(name)} <`, "m"));
      }
    },
  );

  it("shows the options of the method that is named, and no other's", async () => {
    const { code, stdout } = await run(["merge", "--method=average", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("--weights");
    expect(stdout).not.toContain("--gauge");
  });

  it.each([["merge --help"], ["merge --method lego --help"], ["setup --help"], ["compare --help"]])(
    "fits a page, but for commands to copy: %s",
    async (words) => {
      const { stdout } = await run(words.split(" "));
      expect(stdout.split("\n").filter((line) => line.length > 80 && !/^ {2}lora-lego /.test(line))).toEqual([]);
    },
  );

  it("names the methods of an option that the one that is named has not", async () => {
    const { code, stderr } = await run(["merge", "a", "b", "--method", "lego", "--density", "0.5", "--out", "c"]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error: --density is an option of .*\bties, .*, not of lego; leave it out, or take --method \w+\.\n$/,
      ),
    ]);
  });

  it("prints its version", async () => {
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  });

  it("shows help as a mistake where no command is given", async () => {
    const { code, stdout, stderr } = await run([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: lora-lego");
  });
});

const MERGE = ["merge", "a", "b", "--out", "merged"];
const LEGO = [...MERGE, "--method", "lego"];
const MISTAKES: [string, string[], RegExp][] = [
  ["an unknown command", ["mrege"], /unknown command 'mrege'\s+\(Did you mean merge\?\)/],
  ["an unknown flag", [...MERGE, "--forse"], /unknown option '--forse'\s+\(Did you mean --force\?\)/],
  ["an unknown method flag", [...LEGO, "--guage", "raw"], /unknown option '--guage'\s+\(Did you mean --gauge\?\)/],
  [
    "a method's flag without that method",
    [...MERGE, "--method", "cat", "--gauge", "raw"],
    /--gauge is an option of lego, not of cat; leave it out, or take --method lego\./,
  ],
  [
    "lego's flag without its method",
    [...MERGE, "--gauge", "raw"],
    /^error: --gauge is an option of lego; add --method lego\.$/m,
  ],
  ["lego's flag with auto", [...MERGE, "--method", "auto", "--gauge=raw"], /^error: --gauge is an option of lego; add/],
  [
    "a flag of several methods",
    [...MERGE, "--seed", "1"],
    /^error: --seed is an option of lego, dare_linear.*; name the method, such as --method lego\.$/m,
  ],
  [
    "lego's preset without its method",
    [...MERGE, "--preset", "paper"],
    /^error: The preset paper belongs to lego; add --method lego\.$/m,
  ],
  ["a preset that is none", [...MERGE, "--preset", "papr"], /auto has no presets; leave --preset out/],
  ["a choice that is none", [...LEGO, "--gauge", "blanced"], /'--gauge .*'blanced' is invalid.*raw, balanced, svd/],
  ["an effort out of range", [...LEGO, "--effort", "1000"], /--effort <n>.*1000.* at least 0 and at most 100/],
  ["a seed that is no number", [...LEGO, "--seed", "x"], /--seed <n>.*'x' is invalid. Not a finite number/],
  ["a seed that is empty", [...LEGO, "--seed="], /--seed <n>.*'' is invalid. Not a finite number/],
  ["an output that is empty", ["merge", "a", "--out", ""], /--out <path>.* is invalid.*empty/],
  ["a report that is empty", [...MERGE, "--report="], /--report <file>.* is invalid.*empty/],
  ["a switch that is neither on nor off", [...LEGO, "--output-reweight", "yes"], /--output-reweight .*'yes'.*on, off/],
  ["an unknown method", [...MERGE, "--method", "lgeo"], /no method "lgeo"; did you mean lego\?/],
  ["no such method at all", [...MERGE, "--method", "blend"], /no method "blend"; choose one of lego, cat, average/],
  ["a step that is none", [...MERGE, "--after", "svd"], /'--after <step>' argument 'svd' is invalid.*svc/],
  [
    "a preset of another method",
    [...MERGE, "--method", "cat", "--preset", "paper"],
    /cat has no presets; leave --preset out/,
  ],
  ["too few weights", [...MERGE, "--weights", "1"], /2 adapters but 1 weight.*one weight for each adapter/],
  ["weights that are no numbers", [...MERGE, "--weights", "1,two"], /--weights .*'1,two' is invalid/],
  [
    "a negative weight of lego",
    [...LEGO, "--weights", "1,-1"],
    /lego .*cannot be negative, but b has -1.*--method cat/,
  ],
  ["a negative first weight of lego", [...LEGO, "--weights", "-1,1"], /cannot be negative, but a has -1/],
  ["weights that are all 0", [...MERGE, "--weights", "0,0"], /All weights are 0/],
  [
    "weights of average that sum to 0",
    [...MERGE, "--method", "average", "--weights", "1,-1"],
    /sum to 0.*--method cat/,
  ],
  ["a pattern of no module", [...MERGE, "--include", "v_proj"], /include pattern "v_proj" matches no module/],
  ["module weights without a pattern", [...MERGE, "--module-weights", "1,2"], /Expected a pattern and one weight/],
  ["too few module weights", [...MERGE, "--module-weights", "q_proj=1"], /2 adapters but 1 weight for q_proj/],
  ["block weights without a number", [...MERGE, "--block-weights", "1,x"], /Not a finite number/],
  ["one list of block weights", [...MERGE, "--block-weights", "1"], /2 adapters but 1 list of block weights/],
  [
    "blocks of a language model",
    [...MERGE, "--block-weights", "1,0", "--block-weights", "1"],
    /a has no denoiser of an image or video model/,
  ],
  ["rank 0", [...MERGE, "--rank", "0"], /'-r, --rank <k>' argument '0' is invalid/],
  ["no --out", ["merge", "a", "b"], /^error: Say where to write with --out: a folder, or a file that ends in /],
  ["a method in capitals", [...MERGE, "--method", "TIES"], /no method "TIES"; did you mean ties\?/],
  ["a letter and a wrong method", [...MERGE, "-m", "slerpp"], /no method "slerpp"; did you mean slerp\?/],
  ["budget 0", [...MERGE, "--budget", "0"], /'--budget <k>' argument '0' is invalid/],
  ["half a budget", [...MERGE, "--budget", "2.5"], /budget is 2\.5, but must be a whole number above 0/],
  [
    "a budget and a rank",
    [...MERGE, "--budget", "2", "--rank", "2"],
    /'--budget <k>' cannot be used with option '-r, --rank <k>'/,
  ],
  [
    "a budget and an energy rule",
    [...MERGE, "--energy", "sv_fro=0.9", "--budget", "2"],
    /'--budget <k>' cannot be used with option '--energy <rule=t>'/,
  ],
  ["no adapter", ["merge", "--out", "merged"], /missing required argument 'adapter'/],
  ["an adapter that is not there", ["merge", "a", "c", "--out", "merged"], /no file or folder c; pass the folder/],
  [
    "rows that are not there",
    ["eval", "--base", "a", "--tasks", "no.jsonl"],
    /no file of rows no\.jsonl; pass JSON Lines/,
  ],
  [
    "rows to tune by that are not there",
    ["tune", "a", "b", "--base", "a", "--tasks", "no.jsonl", "--out", "t"],
    /no file of rows no\.jsonl/,
  ],
  ["a bench file that is not there", ["bench", "--config", "no.yaml"], /no benchmark file no\.yaml; pass/],
  ["a recipe that is not there", ["run", "no.yaml", "--out", "merged"], /no recipe file no\.yaml/],
  ["a base config that is not there", ["check", "a", "--base-config", "no.json"], /no file no\.json/],
  [
    "a factor that is none",
    [...MERGE, "--scale", "abc"],
    /argument 'abc' is invalid\. Neither auto nor a finite number\./,
  ],
  ["eval without rows", ["eval", "--base", "a"], /required option '--tasks <file>' not specified/],
  ["prune without a size", ["prune", "a", "--out", "merged"], /one of --rank, --keep, --energy or --budget/],
  [
    "prune with two sizes",
    ["prune", "a", "--keep", "0.5", "--rank", "1", "--out", "merged"],
    /'--keep <share>' cannot be used with option '-r, --rank <k>'/,
  ],
  [
    "prune keeping more than all",
    ["prune", "a", "--keep", "1.5", "--out", "merged"],
    /'--keep <share>' argument '1\.5'/,
  ],
];

describe.concurrent("lora-lego with a mistake", () => {
  afterAll(() => {
    expect(readdirSync(folder)).toEqual(["a", "b"]);
  });

  it.each(MISTAKES)("ends with status 2 and says what is wrong: %s", async (_, args, expected) => {
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    expect(stderr).toMatch(expected);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: /);
  });
});
