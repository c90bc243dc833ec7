import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { CONSUMER_IDS } from "../../src/adapter/consumers.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];
const here = (shell: Shell): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const scripts = new Map<Shell, string>();
const folder = tempFolder();

beforeAll(async () => {
  for (const shell of SHELLS) {
    const { code, stdout } = await run(["completion", shell]);
    expect(code).toBe(0);
    scripts.set(shell, join(folder, shell));
    writeFileSync(join(folder, shell), stdout);
  }
});

/** What bash offers for the last of these words, as its completion calls the function. */
function offeredByBash(...words: readonly string[]): string[] {
  const script = `. ${scripts.get("bash")}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lora_lego; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", "lora-lego", ...words], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((word) => word !== "");
}

/** The same of fish, without its descriptions. */
function offeredByFish(line: string): string[] {
  const script = `source ${scripts.get("fish")}; complete -C ${JSON.stringify(`lora-lego ${line}`)}`;
  const { stdout, stderr } = spawnSync("fish", ["-c", script], { encoding: "utf8", cwd: folder });
  expect(stderr).toBe("");
  return stdout.split("\n").flatMap((word) => (word === "" ? [] : [word.split("\t")[0]!]));
}

/** What zsh's functions are told, which are its own only in a terminal. */
function toldToZsh(...words: readonly string[]): string {
  const script = `compdef() { }; _arguments() { print -rl -- "$@" }; _describe() { print -rl -- \${(P)2} }
    . ${scripts.get("zsh")}; words=("$@"); CURRENT=$#; _lora-lego`;
  const { stdout, stderr } = spawnSync("zsh", ["-fc", script, "zsh", "lora-lego", ...words], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout;
}

describe.skipIf(!here("bash"))("completion in bash", () => {
  it("offers commands, flags, and the words that a flag takes", () => {
    expect(offeredByBash("me")).toEqual(["merge", "methods"]);
    expect(offeredByBash("he")).toEqual(["help"]);
    expect(offeredByBash("help", "au")).toEqual(["audit"]);
    expect(offeredByBash("merge", "--ex")).toEqual(["--extras", "--exclude"]);
    expect(offeredByBash("check", "merged", "--for", "")).toEqual([...CONSUMER_IDS]);
    expect(offeredByBash("merge", "a", "-m", "ties")).toEqual(["ties", "ties_svd"]);
    expect(offeredByBash("merge", "a", "--extras", "=", "d")).toEqual(["drop"]);
    expect(offeredByBash("merge", "a", "--extras", "=")).toEqual(["error", "drop", "first", "average"]);
    expect(offeredByBash("completion", "z")).toEqual(["zsh"]);
  });

  it("offers the options of all methods, and of commands that have them only if they are named", () => {
    expect(offeredByBash("merge", "--gau")).toEqual(["--gauge"]);
    expect(offeredByBash("resize", "--meth")).toEqual(["--method"]);
  });

  it("leaves paths and numbers to the shell", () => {
    for (const words of [
      ["merge", ""],
      ["merge", "a", "--out", "m"],
      ["merge", "a", "--rank", ""],
    ]) {
      expect(offeredByBash(...words)).toEqual([]);
    }
  });
});

describe.skipIf(!here("fish"))("completion in fish", () => {
  it("offers commands, flags, and the words that a flag takes", () => {
    expect(offeredByFish("me").sort()).toEqual(["merge", "methods"]);
    expect(offeredByFish("merge --ex").sort()).toEqual(["--exclude", "--extras"]);
    expect(offeredByFish("check merged --for ").sort()).toEqual([...CONSUMER_IDS].sort());
    expect(offeredByFish("merge a -m ties").sort()).toEqual(["ties", "ties_svd"]);
    expect(offeredByFish("completion z")).toEqual(["zsh"]);
    expect(offeredByFish("merge a --out z")).toEqual(["zsh"]);
  });
});

describe.skipIf(!here("zsh"))("completion in zsh", () => {
  it("tells of commands, flags, and the words that a flag takes", () => {
    expect(toldToZsh("me")).toMatch(/^merge:merge adapters into one$/m);
    const flags = toldToZsh("merge", "--ex");
    expect(flags).toMatch(/^\(--extras\)--extras\[.*\]:value:\(error drop first average\)$/m);
    expect(flags).toMatch(/^\*--exclude\[.*\(repeatable\)\]:value: $/m);
    expect(flags).toMatch(/^\(--method -m\)-m\[.*\]:value:\(auto lego cat /m);
    expect(toldToZsh("completion", "")).toContain("*:argument:(bash zsh fish)");
  });
});

describe("completion", () => {
  it.each(SHELLS)("in %s names all that --help of some commands shows", async (shell) => {
    const { stdout: script } = await run(["completion", shell]);
    for (const words of [["merge", "--method", "lego"], ["check"], ["convert"], ["eval"]]) {
      const { stdout } = await run([...words, "--help"]);
      const flags = Array.from(stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm), ([, flag]) => flag!);
      expect(flags.length).toBeGreaterThan(4);
      for (const flag of flags) expect(script).toMatch(new RegExp(`(?:--|-l )${flag}\\b`));
    }
    for (const { id } of METHODS) expect(script).toContain(id);
  });

  it("refuses a shell that it does not know", async () => {
    const { code, stderr } = await run(["completion", "tcsh"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Allowed choices are bash, zsh, fish")]);
  });
});
