import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemFailure } from "../../src/cli/system-failure.ts";
import { errorMessage, reviveError } from "../../src/core/errors.ts";
import { finishedPath } from "../../src/node/output/unfinished.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, MAIN, run } from "./run.ts";

const root = tempFolder();
const modules = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`layers.${i}.q`, { in: 64, out: 64 }]));
const a = writeAdapter(join(root, "a"), randomAdapter(1, { modules, rank: 16 }));
const b = writeAdapter(join(root, "b"), randomAdapter(2, { modules, rank: 16 }));
const unet = Object.fromEntries(
  [..."qkv"].map((x) => [`unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_${x}`, { in: 64, out: 64 }]),
);
const image = writeAdapter(join(root, "image"), randomAdapter(3, { modules: unet, rank: 16 }));

/** Run a command under a limit of the shell's. */
function limited(limit: string, args: readonly string[], cwd: string) {
  const quoted = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
  // A file that grows too large must fail as a write does, and not end the shell.
  const shell = `trap '' XFSZ; ${limit} && exec ${quoted}`;
  return spawnSync("bash", ["--norc", "-c", shell], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    env: { PATH: process.env.PATH, NO_COLOR: "1" },
  });
}

const errors = (stderr: string): string[] => lines(stderr).filter((line) => !/^(merging|step)/.test(line));

describe.skipIf(process.platform === "win32")("want of what the system gives", () => {
  it.each(["24", "28", "33", "36"])("%s file handles: one sentence, and nothing left", (handles) => {
    const folder = tempFolder();
    const { status, stderr } = limited(
      `ulimit -n ${handles}`,
      ["merge", a, b, "--out", "out", "--threads", "2"],
      folder,
    );
    expect(errors(stderr)).toEqual([
      expect.stringMatching(/^error: .*too many files open.*raise the limit.*\(EMFILE\)/),
    ]);
    expect([status, readdirSync(folder)]).toEqual([1, []]);
  });

  const large: [string, string[], RegExp][] = [
    ["merge", ["merge", a, b, "--method", "cat", "--out", "out"], /out\/adapter_model\.safetensors cannot be written/],
    ["a merge's draft", ["merge", a, b, "--out", "out"], /draft\.safetensors cannot be written/],
    ["convert", ["convert", image, "--to", "kohya", "--out", "x.safetensors"], /\/x\.safetensors cannot be written/],
    ["compare", ["compare", a, b, "--html", "page.html"], /\/page\.html cannot be written/],
  ];
  it.each(large)("files that may not grow: %s names the file", (_, args, words) => {
    const folder = tempFolder();
    const { status, stderr } = limited("ulimit -f 8", args, folder);
    expect(errors(stderr)).toEqual([expect.stringMatching(words)]);
    expect(stderr).toMatch(/larger than this process \(ulimit -f\) or the file system allows.*\(EFBIG\)/);
    expect([status, readdirSync(folder)]).toEqual([1, []]);
  });

  it.skipIf(process.platform !== "linux").each(["1", "2"])("addresses for WebAssembly, with %s threads", (threads) => {
    const folder = tempFolder();
    const args = ["merge", a, b, "--out", "out", "--threads", threads];
    const { status, stderr } = limited("ulimit -v 4000000", args, folder);
    expect(errors(stderr)).toEqual([expect.stringMatching(/^error: There is too little memory.*ulimit -v/)]);
    expect([status, readdirSync(folder)]).toEqual([1, []]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "leave of a folder that another user owns (needs root, to become another)",
    () => {
      const folder = tempFolder();
      chmodSync(folder, 0o755);
      mkdirSync(join(folder, "locked"), { mode: 0o700 });
      for (const path of [root, a, b]) chmodSync(path, 0o755);
      const asNobody = (args: readonly string[]) =>
        spawnSync(process.execPath, [MAIN, ...args], {
          cwd: "/",
          uid: 65534,
          gid: 65534,
          encoding: "utf8",
          env: { NO_COLOR: "1" },
        });
      const said = {
        out: /is a folder in which this user may not write/,
        "locked/out": /cannot be opened by this user/,
      };
      for (const [out, words] of Object.entries(said)) {
        const { status, stderr } = asNobody(["merge", a, "--out", join(folder, out)]);
        expect([status, errors(stderr)]).toEqual([
          1,
          [expect.stringMatching(new RegExp(`${words.source}.*\\(EACCES\\)`))],
        ]);
      }
      expect(readdirSync(join(folder))).toEqual(["locked"]);
    },
  );

  it.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
    "a disk that is full (needs root, to mount one)",
    ({ skip }) => {
      const disk = tempFolder();
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]);
      if (mounted.status !== 0) skip("no file system can be mounted here");
      try {
        const { status, stderr } = limited("true", ["merge", a, b, "--out", join(disk, "out")], root);
        expect([status, errors(stderr)]).toEqual([
          1,
          [expect.stringMatching(/only .* MB are free next to out; free some space/)],
        ]);
        writeFileSync(join(disk, "fill"), new Uint8Array(16 * 2 ** 20 - 8192));
        const page = limited("true", ["compare", a, b, "--html", join(disk, "page.html")], root);
        expect([page.status, errors(page.stderr)]).toEqual([
          1,
          [expect.stringMatching(/page\.html cannot be written: the disk is full/)],
        ]);
        expect(readdirSync(disk)).toEqual(["fill"]);
      } finally {
        spawnSync("umount", [disk]);
      }
    },
  );
});

describe("an error of the system", () => {
  it.each([
    ["EACCES", /^\/ is a folder in which this user may not write, so \/a cannot be made there;/],
    ["EROFS", /^\/ is on a read-only file system/],
    ["ENOSPC", /^\/a cannot be written: the disk is full/],
    ["ENAMETOOLONG", /^\/a has a name that is too long/],
    ["EFBIG", /^\/a cannot be written: it would be larger/],
    ["ENOMEM", /^\/a cannot be handled: this machine has too little memory/],
  ])("%s is a sentence that names the file, from a worker too", (code, words) => {
    const error = Object.assign(new Error(`${code}: text`), { code, path: "/a" });
    expect(systemFailure(error)).toMatch(words);
    expect(systemFailure(reviveError(errorMessage(error)) as typeof error)).toBe(systemFailure(error));
  });

  it.each([
    "WebAssembly.Memory(): could not allocate memory",
    "WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance",
    "Array buffer allocation failed",
  ])("of memory is one too: %s", (message) => {
    const error = new RangeError(message);
    expect(systemFailure(error)).toMatch(/^There is too little memory: /);
    expect(systemFailure(reviveError(errorMessage(error)))).toBe(systemFailure(error));
  });

  it("is none where the mistake is ours", () => {
    expect(systemFailure(new RangeError("Invalid array length"))).toBeNull();
    expect(systemFailure(new TypeError("x is not a function"))).toBeNull();
  });

  it("names files as they are to be called", () => {
    expect(finishedPath("/x/out.tmp-12/adapter_model.safetensors")).toBe("/x/out/adapter_model.safetensors");
    expect(finishedPath("/x/page.html.tmp-12/page.html")).toBe("/x/page.html");
    expect(finishedPath("/x/out.tmp-12")).toBe("/x/out");
    expect(finishedPath("/x/out.tmp-1/steps/s.tmp-1/a")).toBe("/x/out/steps/s/a");
    expect(finishedPath("/x/a.tmp-12b/a")).toBe("/x/a.tmp-12b/a");
  });
});

describe("an empty path", () => {
  it.concurrent.each(
    [
      ["merge", "", "--out", "x"],
      ["merge", a, "--out", ""],
      ["merge", a, "--out", "x", "--report", ""],
      ["prune", "", "--keep", "0.5", "--out", "x"],
      ["resize", "", "--rank", "1", "--out", "x"],
      ["run", ""],
      ["inspect", a, ""],
      ["check", "", "--for", "peft"],
      ["compare", a, "", "--html", "x"],
      ["compare", a, "--html", ""],
      ["convert", "", "--to", "mlx", "--out", "x"],
      ["fuse", "", "--base", a, "--out", "x"],
      ["extract", "--base", "", "--tuned", a, "--rank", "1", "--out", "x"],
      ["eval", "--base", a, "--tasks", ""],
      ["bench", "--config", ""],
      ["verify", ""],
      ["audit", a, ""],
      ["audit", a, "--of", ""],
      ["push", "", "me/x"],
      ["ui", ""],
    ].map((args) => [args]),
  )("is refused in one sentence: %j", async (args) => {
    const { code, stderr } = await run(args, { cwd: root });
    expect([code, lines(stderr)]).toEqual([2, [expect.stringMatching(/^error: .*It is empty\.$/)]]);
  });
});
