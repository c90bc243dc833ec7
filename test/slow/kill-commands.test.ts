import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { EVERY_KILL, KILLER, MARK } from "../support/killer.ts";
import { MockHub, TOKEN } from "../support/mock-hub.ts";
import { writeModel } from "../support/models.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** At most so many moments of each command, spread evenly over its calls that change the file system. */
const MOMENTS = EVERY_KILL ? 12 : 6;

const root = tempFolder();
const Q = "model.layers.0.q_proj";
const sizes = { [Q]: { in: 6, out: 5 } };
const a = writeAdapter(join(root, "a"), randomAdapter(1, { modules: sizes }));
const b = writeAdapter(join(root, "b"), randomAdapter(2, { modules: sizes, rank: 3 }));
const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 6, out: 5 } };
const image = writeAdapter(join(root, "image"), randomAdapter(3, { modules: unet }));
const otherImage = writeAdapter(join(root, "other-image"), randomAdapter(4, { modules: unet }));
const rows = (seed: number): number[][] =>
  Array.from({ length: 5 }, (_, i) => Array.from({ length: 6 }, (_, j) => Math.sin(seed + 7 * i + j)));
const model = (name: string, seed: number): string => writeModel(join(root, name), [{ [`${Q}.weight`]: rows(seed) }]);
const base = model("base", 1);
const tuned = model("tuned", 2);
const tuned2 = model("tuned-2", 3);
writeFileSync(
  join(root, "recipe.yaml"),
  "steps:\n  - { name: both, adapters: [a, b], method: cat }\n  - { name: all, adapters: [{ step: both }, a], method: cat, rank: 3 }\n",
);

interface Ended {
  readonly killed: boolean;
  readonly code: number | null;
  readonly stderr: string;
}

/** Run a command; it kills itself at the given call that changes the file system, and counts them where it is told no number. */
function run(args: readonly string[], at: number | null, started: (child: ChildProcess) => void = () => {}, env = {}) {
  const node = at === null ? [] : ["--import", KILLER];
  const child = spawn(process.execPath, [...node, MAIN, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, NO_COLOR: "1", KILL_AT: String(at), ...env },
  });
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  started(child);
  return new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ killed: signal === "SIGKILL", code, stderr }));
  });
}

/** A file or all files of a folder by their content; null where nothing is there. What varies with the clock is left out. */
function state(path: string): string | null {
  if (!existsSync(path)) return null;
  if (!statSync(path).isDirectory()) {
    const text = readFileSync(path, "latin1").replaceAll(/"timings": \{[^}]*\}|<td>[\d.]+<\/td>/g, "");
    return createHash("sha256").update(text).digest("hex");
  }
  const files = readdirSync(path).filter((file) => file !== MARK);
  return files.map((file) => `${file} ${state(join(path, file))}`).join("\n");
}

/** Two ways to call a command that write different outputs to one place, and the names of what they write. */
interface Command {
  readonly name: string;
  readonly outputs: readonly string[];
  readonly args: (folder: string) => readonly [readonly string[], readonly string[]];
}

const folderCommand = (name: string, old: readonly string[], fresh: readonly string[]): Command => ({
  name,
  outputs: ["out"],
  args: (folder) => [
    [...old, "--out", join(folder, "out"), "--force"],
    [...fresh, "--out", join(folder, "out"), "--force"],
  ],
});

const fileCommand = (name: string, old: readonly string[], fresh: readonly string[]): Command => ({
  name,
  outputs: ["x.safetensors"],
  args: (folder) => {
    const to = ["--out", join(folder, "x.safetensors"), "--force"];
    return [
      [...old, ...to],
      [...fresh, ...to],
    ];
  },
});

const COMMANDS: readonly Command[] = [
  folderCommand("convert to a folder", ["convert", a, "--to", "mlx"], ["convert", b, "--to", "mlx"]),
  folderCommand("fuse", ["fuse", a, "--base", base], ["fuse", b, "--base", base]),
  folderCommand(
    "extract",
    ["extract", "--base", base, "--tuned", tuned, "--rank", "1"],
    ["extract", "--base", base, "--tuned", tuned2, "--rank", "2"],
  ),
  folderCommand("resize", ["resize", a, "--rank", "1"], ["resize", b, "--rank", "2"]),
  folderCommand("prune", ["prune", a, "--rank", "1"], ["prune", b, "--rank", "2"]),
  folderCommand("run", ["merge", a], ["run", join(root, "recipe.yaml")]),
  fileCommand("merge into a file", ["merge", image], ["merge", image, otherImage]),
  fileCommand("prune into a file", ["prune", image, "--rank", "1"], ["prune", otherImage, "--rank", "1"]),
  fileCommand("convert to a file", ["convert", image, "--to", "kohya"], ["convert", otherImage, "--to", "kohya"]),
  {
    name: "compare --html",
    outputs: ["page.html"],
    args: (folder) => {
      const to = ["--methods", "cat", "--html", join(folder, "page.html")];
      return [
        ["compare", a, ...to],
        ["compare", a, b, ...to],
      ];
    },
  },
  {
    name: "merge --report",
    outputs: ["out", "report.json"],
    args: (folder) => {
      const to = ["--method", "cat", "--out", join(folder, "out"), "--report", join(folder, "report.json"), "--force"];
      return [
        ["merge", a, ...to],
        ["merge", a, b, ...to],
      ];
    },
  },
];

describe.each(COMMANDS)("$name, killed at calls that change the file system", ({ outputs, args }) => {
  let folder = "";
  let known: [(string | null)[], (string | null)[]];
  const states = (): (string | null)[] => outputs.map((name) => state(join(folder, name)));

  beforeAll(async () => {
    folder = tempFolder();
    const found = [];
    for (const way of args(folder)) {
      expect(await run(way, null)).toMatchObject({ code: 0 });
      found.push(states());
    }
    known = found as typeof known;
    for (const [i, old] of known[0].entries()) expect(old).not.toBe(known[1][i]);
  });

  it("leaves each old output or the new one, complete, and the next run clears the rest", async () => {
    const [old, fresh] = args(folder);
    const before = join(tempFolder(), "before");
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await run(old, null);
    cpSync(folder, before, { recursive: true });
    const begin = (): void => {
      rmSync(folder, { recursive: true });
      cpSync(before, folder, { recursive: true });
    };
    const calls = Number(/calls: (\d+)/.exec((await run(fresh, -1)).stderr)![1]);
    const seen = { killed: 0, old: 0, fresh: 0, left: 0 };
    for (let i = 0; i < MOMENTS; i++) {
      begin();
      const ended = await run(fresh, Math.floor((i * calls) / MOMENTS));
      expect(ended.killed, ended.stderr).toBe(true);
      seen.killed++;
      for (const [at, found] of states().entries()) {
        const aside = readdirSync(folder).find((name) => name.startsWith(`${outputs[at]}.old-`));
        const here = found ?? (aside === undefined ? null : state(join(folder, aside)));
        expect([known[0][at], known[1][at]], `${outputs[at]} at call ${i} of ${calls}`).toContain(here);
        seen[here === known[0][at] ? "old" : "fresh"]++;
      }
      if (readdirSync(folder).length > outputs.length) seen.left++;
      expect(await run(fresh, null)).toMatchObject({ code: 0 });
      expect([readdirSync(folder).sort(), states()]).toEqual([[...outputs].sort(), known[1]]);
    }
    console.log(`${calls} calls: ${JSON.stringify(seen)}`);
    expect(seen.old).toBeGreaterThan(0);
    expect(seen.left).toBeGreaterThan(0);
  });
});

describe("push, killed at its requests", () => {
  it("leaves a repository without the commit or with all of it, and the folder as it was", async () => {
    const before = state(a);
    const args = ["push", a, "me/killed", "--private"];
    let completed = 0;
    for (let at = 1; completed === 0; at++) {
      const hub = await MockHub.start({});
      try {
        const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: TOKEN };
        const ended = await run(
          args,
          null,
          (child) => hub.onRequest((count) => count === at && child.kill("SIGKILL")),
          env,
        );
        if (!ended.killed) completed = at;
        const uploaded = hub.uploaded.get("me/killed");
        const files = uploaded === undefined ? [] : [...uploaded.keys()].sort();
        expect([[], readdirSync(a).sort()]).toContainEqual(files);
        expect(state(a)).toBe(before);
        hub.onRequest(() => {});
        expect(await run(args, null, () => {}, env)).toMatchObject({ code: 0 });
        expect([...hub.uploaded.get("me/killed")!.keys()].sort()).toEqual(readdirSync(a).sort());
      } finally {
        hub.stop();
      }
    }
    expect(completed).toBeGreaterThan(3);
  });
});
