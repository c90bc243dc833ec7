import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { EVERY_KILL, KILLER, MARK } from "../support/killer.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const KILLS = EVERY_KILL ? 100 : 25;
/** After so many calls a run has cleared away what was left, and goes on as one beside nothing does; then every so many are enough. */
const CLEARED = 14;
const STRIDE = 5;

/** Every file of a folder with its hash, as one text. */
function state(folder: string): string {
  const hash = (file: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, file)))
      .digest("hex");
  return readdirSync(folder)
    .filter((file) => file !== MARK)
    .sort()
    .map((file) => `${file} ${hash(file)}`)
    .join("\n");
}

/** A process that has ended, and whether it was killed. */
interface Ended {
  readonly pid: number;
  readonly killed: boolean;
  readonly code: number | null;
  readonly stderr: string;
}

/** Run the command; `started` gets the process at once. */
function run(args: readonly string[], started: (child: ChildProcess) => void = () => {}, node: readonly string[] = []) {
  const child = spawn(process.execPath, [...node, MAIN, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  started(child);
  return new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ pid: child.pid!, killed: signal === "SIGKILL", code, stderr }));
  });
}

/** Two recipes over the same inputs and the state of a folder that each leaves. */
interface Recipes {
  readonly args: readonly [readonly string[], readonly string[]];
  readonly states: readonly [string, string];
}

/** Run both recipes in peace. @returns the folders that they wrote, too */
async function prepare(inputs: readonly string[], root: string): Promise<Recipes & { folders: [string, string] }> {
  const args = [
    [...inputs, "--method", "lego", "--rank", "4"],
    [...inputs, "--method", "cat"],
  ] as const;
  const folders: [string, string] = [join(root, "known-0"), join(root, "known-1")];
  for (const which of [0, 1] as const) {
    expect(await run(["merge", ...args[which], "--out", folders[which]])).toMatchObject({ code: 0 });
  }
  const states = [state(folders[0]), state(folders[1])] as const;
  expect(states[0]).not.toBe(states[1]);
  return { args, states, folders };
}

/**
 * The promise: the output is the old one or the new one, complete, or it is missing and the old one lies complete under
 * its side name. @returns which of them it was
 */
function checkPromise(folder: string, old: string, fresh: string): "old" | "new" | "aside" {
  const out = join(folder, "merged");
  if (existsSync(out)) {
    const found = state(out);
    expect([old, fresh]).toContain(found);
    return found === old ? "old" : "new";
  }
  const aside = readdirSync(folder).filter((entry) => /^merged\.old-\d+$/.test(entry));
  expect(aside).toHaveLength(1);
  expect(state(join(folder, aside[0]!))).toBe(old);
  return "aside";
}

/** The next run, which needs no --force to put things right: it leaves the output that was found, and nothing beside it. */
async function checkRecovery(folder: string, input: string, expected: string): Promise<void> {
  const { code, stderr } = await run(["merge", input, "--out", join(folder, "merged")]);
  expect(code).toBe(1);
  expect(stderr).toContain("merged exists; pass --force to replace it");
  expect(readdirSync(folder)).toEqual(["merged"]);
  expect(state(join(folder, "merged"))).toBe(expected);
  expect(existsSync(join(folder, "merged", MARK))).toBe(false);
}

describe(`a merge onto an existing output, killed at ${KILLS} random moments`, () => {
  let inputs: string[] = [];
  let recipes: Recipes;

  beforeAll(async () => {
    const root = tempFolder();
    const modules = Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`layers.${i}.q`, { in: 96, out: 96 }]));
    inputs = [1, 2, 3].map((seed) =>
      writeAdapter(join(root, `input-${seed}`), randomAdapter(seed, { modules, rank: 8 })),
    );
    recipes = await prepare(inputs, root);
  });

  it("leaves the old output or the new one, complete, and the next run puts things right", async () => {
    const folder = tempFolder();
    const out = join(folder, "merged");
    const start = performance.now();
    for (const which of [1, 0] as const) await run(["merge", ...recipes.args[which], "--out", out, "--force"]);
    const duration = (performance.now() - start) / 2;
    expect(state(out)).toBe(recipes.states[0]);

    const random = seededRandom(2);
    let current: 0 | 1 = 0;
    let tried = 0;
    const seen = { old: 0, new: 0, aside: 0, killed: 0, halfWritten: 0 };
    // A moment after the end of a run is no kill, and makes the next one start from the other state.
    while (seen.killed < KILLS) {
      // One moment in each of as many equal spans of the run, again and again.
      const moment = (((tried++ % KILLS) + random.uniform()) / KILLS) * 1.3 * duration;
      const next: 0 | 1 = current === 0 ? 1 : 0;
      const threads = String(1 + random.below(2));
      const args = ["merge", ...recipes.args[next], "--out", out, "--force", "--threads", threads];
      let timer: NodeJS.Timeout | undefined;
      const ended = await run(args, (child) => {
        timer = setTimeout(() => child.kill("SIGKILL"), moment);
      });
      clearTimeout(timer);
      const found = checkPromise(folder, recipes.states[current], recipes.states[next]);
      if (!ended.killed) expect([ended.code, found]).toEqual([0, "new"]);
      seen[found]++;
      if (ended.killed) seen.killed++;
      if (existsSync(`${out}.tmp-${ended.pid}`)) seen.halfWritten++;
      if (found === "new") current = next;
      await checkRecovery(folder, inputs[0]!, recipes.states[current]);
    }
    console.log(`runs of ${duration.toFixed(0)} ms: ${JSON.stringify(seen)}`);
    // Without these the moments would not have been spread over the run.
    expect(seen.halfWritten).toBeGreaterThan(0);
    expect(seen.new).toBeGreaterThan(0);
  });
});

describe("a merge onto an existing output, killed at calls that change the file system", () => {
  let root = "";
  let input = "";
  let recipes: Recipes & { folders: [string, string] };
  const ended = spawnSync(process.execPath, ["--version"]).pid;

  beforeAll(async () => {
    root = tempFolder();
    input = writeAdapter(join(root, "input"), randomAdapter(1));
    recipes = await prepare([input, writeAdapter(join(root, "input-2"), randomAdapter(2, { rank: 3 }))], root);
  });

  const mark = (at: string): void => writeFileSync(join(at, MARK), JSON.stringify({ host: hostname(), pid: ended }));
  const beginnings: [string, (out: string) => void][] = [
    ["beside nothing", (out) => cpSync(recipes.folders[0], out, { recursive: true })],
    [
      "after a run that was killed between its renames",
      (out) => {
        cpSync(recipes.folders[0], `${out}.old-${ended}`, { recursive: true });
        cpSync(recipes.folders[1], `${out}.tmp-${ended}`, { recursive: true });
        mark(`${out}.tmp-${ended}`);
      },
    ],
    [
      "after a run that was killed while it removed the old output",
      (out) => {
        cpSync(recipes.folders[0], out, { recursive: true });
        mkdirSync(`${out}.tmp-${ended}`);
        writeFileSync(join(`${out}.tmp-${ended}`, "adapter_model.safetensors"), "half");
        mark(`${out}.tmp-${ended}`);
      },
    ],
  ];

  it.each(beginnings)("leaves the old output or the new one, complete: %s", async (_, begin) => {
    const folder = tempFolder();
    const out = join(folder, "merged");
    const found: string[] = [];
    const all = begin === beginnings[0]![1] || EVERY_KILL;
    for (let at = 0; ; at += all || at < CLEARED ? 1 : STRIDE) {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      begin(out);
      process.env.KILL_AT = String(at);
      const last = await run(["merge", ...recipes.args[1], "--out", out, "--force"], () => {}, ["--import", KILLER]);
      delete process.env.KILL_AT;
      const which = checkPromise(folder, recipes.states[0], recipes.states[1]);
      if (!last.killed) {
        expect([last.code, which, readdirSync(folder)]).toEqual([0, "new", ["merged"]]);
        break;
      }
      found.push(which);
      await checkRecovery(folder, input, recipes.states[which === "new" ? 1 : 0]);
    }
    console.log(`killed at ${found.length} calls: ${found.join(" ")}`);
    for (const which of all ? ["old", "aside", "new"] : ["old", "new"]) expect(found).toContain(which);
  });
});
