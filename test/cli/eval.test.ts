import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { packagesFor } from "../../src/cli/setup.ts";
import { tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

const folder = tempFolder();
const tasks = join(folder, "tasks.jsonl");
writeFileSync(tasks, '{"prompt":"a","choices":["yes","no"],"answer":"no"}\n');
const tabs = join(folder, "dev.tsv");
writeFileSync(tabs, "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n");

/** The built package outside this checkout, which may have llama.cpp for other tests. @returns the path of its command */
function installed(): string {
  const place = join(tempFolder(), "node_modules/lora-lego");
  mkdirSync(dirname(place), { recursive: true });
  cpSync("dist", join(place, "dist"), { recursive: true });
  cpSync("package.json", join(place, "package.json"));
  for (const name of readdirSync("node_modules")) {
    if (!name.startsWith(".")) symlinkSync(resolve("node_modules", name), join(dirname(place), name));
  }
  return join(place, "dist/cli/main.js");
}

describe("lora-lego eval", () => {
  it.concurrent.each([
    ["a .tsv without its task", ["--tasks", tabs], /is tab-separated, but its GLUE task is not known; pass --glue/],
    ["rows that are none", ["--tasks", join(folder, "none.jsonl")], /none\.jsonl/],
    ["an unknown GLUE task", ["--tasks", tabs, "--glue", "squad"], /There is no GLUE task "squad"/],
  ])("refuses %s in one sentence", async (_, args, message) => {
    const { code, stderr, stdout } = await run(["eval", "--base", "base.gguf", ...args]);
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe("");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(message);
  });

  it("says how to install llama.cpp where it is not, and what is wrong with it where it does not start", async () => {
    const args = ["eval", "--base", tasks, "--tasks", tasks];
    const main = installed();
    const env = { XDG_DATA_HOME: join(folder, "data") };
    const without = await run(args, { cwd: folder, main, env });
    expect([without.code, without.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error: .*node-llama-cpp is not installed; run lora-lego setup eval \(85 MB, into \S+lora-lego\), or npm install/,
      ),
    ]);
    const broken = join(folder, "broken");
    mkdirSync(join(broken, "node_modules/node-llama-cpp"), { recursive: true });
    writeFileSync(join(broken, "node_modules/node-llama-cpp/package.json"), '{"main":"index.mjs"}');
    writeFileSync(
      join(broken, "node_modules/node-llama-cpp/index.mjs"),
      'throw new Error("no binary for this machine");',
    );
    const started = await run(args, { cwd: broken, main, env });
    expect([started.code, started.stderr]).toEqual([
      2,
      expect.stringMatching(/does not start \(no binary for this machine\)/),
    ]);
  });
});

/** A stand-in for npm, which notes its words and puts a package that says what it is where npm would. */
const NPM = `#!/bin/sh
echo "$@" > "$NOTES"
[ "$3" = /refuse/lora-lego ] && exit 3
mkdir -p "$3/node_modules/node-llama-cpp"
echo '{"main":"index.mjs"}' > "$3/node_modules/node-llama-cpp/package.json"
echo 'throw new Error("the one that setup installed");' > "$3/node_modules/node-llama-cpp/index.mjs"
`;

describe("lora-lego setup eval", () => {
  const bin = tempFolder();
  writeFileSync(join(bin, "npm"), NPM);
  chmodSync(join(bin, "npm"), 0o755);
  const notes = join(bin, "notes");
  const env = (home: string) => ({ PATH: `${bin}:${process.env.PATH}`, XDG_DATA_HOME: home, NOTES: notes });

  it("installs llama.cpp's package and its binary for the processor where eval finds them from any folder", async () => {
    const [home, main] = [join(folder, "home"), installed()];
    const { code, stdout } = await run(["setup", "eval"], { env: env(home), main });
    expect([code, stdout]).toEqual([0, expect.stringContaining(join(home, "lora-lego"))]);
    const words = readFileSync(notes, "utf8").trim();
    expect(words).toContain(`install --prefix ${join(home, "lora-lego")} node-llama-cpp@3 @node-llama-cpp/`);
    expect(words).toContain("--omit=optional");
    const { stderr } = await run(["eval", "--base", tasks, "--tasks", tasks], { env: env(home), main, cwd: folder });
    expect(stderr).toMatch(/does not start \(the one that setup installed\)/);
  });

  it("says that npm failed", async () => {
    const { code, stderr } = await run(["setup", "eval"], { env: env("/refuse") });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: npm ended with status 3; /m)]);
  });

  it("names the packages of each machine, and what to do on others", () => {
    const known = JSON.parse(readFileSync("test/llamacpp/package-lock.json", "utf8")) as {
      packages: Record<string, { version: string; optionalDependencies?: Record<string, string> }>;
    };
    const { version, optionalDependencies } = known.packages["node_modules/node-llama-cpp"]!;
    expect(version).toMatch(/^3\./);
    for (const [platform, arch] of [
      ["linux", "x64"],
      ["linux", "arm64"],
      ["linux", "arm"],
      ["darwin", "x64"],
      ["darwin", "arm64"],
      ["win32", "x64"],
      ["win32", "arm64"],
    ] as const) {
      const [llama, binary] = packagesFor(platform, arch);
      expect(llama).toBe("node-llama-cpp@3");
      expect(Object.keys(optionalDependencies!)).toContain(binary!.replace(/@3$/, ""));
    }
    expect(() => packagesFor("aix", "ppc64")).toThrow(/no binary for aix on ppc64; run npm install node-llama-cpp@3/);
  });
});
