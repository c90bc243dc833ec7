import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, openSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomAdapter, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, MAIN, run } from "./run.ts";

const folder = tempFolder();
const good = writeAdapter(join(folder, "good"), randomAdapter(1));

/** One line on stderr that begins as all errors do, and what it says. */
async function refuses(args: readonly string[], words: RegExp, status = 1): Promise<void> {
  const { code, stderr } = await run(args);
  expect(lines(stderr)).toEqual([expect.stringMatching(/^error: /)]);
  expect(stderr).toMatch(words);
  expect(code).toBe(status);
}

describe("paths that cannot be what they are passed as", () => {
  it.skipIf(process.platform === "win32")("a pipe as weights does not hang", async () => {
    const piped = writeAdapter(join(folder, "piped"), randomAdapter(2));
    const weights = join(piped, "adapter_model.safetensors");
    renameSync(weights, join(folder, "moved"));
    execFileSync("mkfifo", [weights]);
    await refuses(["inspect", piped], /piped\/adapter_model\.safetensors is a folder, pipe or device; pass/);
  });

  it.concurrent("names that are too long", async () => {
    await refuses(
      ["merge", good, "--out", join(folder, "x".repeat(300))],
      /has a name that is too long.*\(ENAMETOOLONG\)/,
    );
  });

  it.concurrent("links that lead to themselves", async () => {
    const loop = join(folder, "loop");
    symlinkSync(loop, loop);
    await refuses(["merge", good, "--out", loop], /loop is a link that leads back to itself; remove it/);
  });

  it.concurrent("a folder where a file of the adapter is due", async () => {
    const odd = writeAdapter(join(folder, "odd"), randomAdapter(3));
    renameSync(join(odd, "adapter_config.json"), join(folder, "config"));
    mkdirSync(join(odd, "adapter_config.json"));
    await refuses(["inspect", odd], /odd\/adapter_model\.safetensors has no adapter_config\.json next to it/);
  });

  it.concurrent("a report beyond a file", async () => {
    const file = join(folder, "plain");
    writeFileSync(file, "");
    await refuses(
      ["merge", good, "--out", join(folder, "out"), "--report", join(file, "report.json")],
      /report\.json leads through a file as if it were a folder/,
    );
  });
});

describe("output that cannot be written", () => {
  it.skipIf(process.platform !== "linux")(
    "a full stdout is said on stderr, with status 1, and a result is whole",
    async () => {
      const out = join(folder, "full");
      for (const args of [
        ["inspect", good, "--json"],
        ["merge", good, "--out", out],
      ]) {
        const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
          env: { PATH: process.env.PATH, NO_COLOR: "1" },
          stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
          encoding: "utf8",
        });
        expect(stderr).toMatch(
          /^error: Standard output cannot be written \(ENOSPC\).*; a result is whole, since it is written first\.$/m,
        );
        expect(status).toBe(1);
      }
      expect((await run(["verify", out])).code).toBe(0);
    },
  );
});

describe("files by the names that a browser gave them", () => {
  it.concurrent("weights that are named themselves go with the config of their own suffix", async () => {
    const both = writeAdapter(join(folder, "both"), randomAdapter(4, { rank: 2 }));
    const other = writeAdapter(join(folder, "other"), randomAdapter(5, { rank: 3 }));
    renameSync(join(other, "adapter_model.safetensors"), join(both, "adapter_model (1).safetensors"));
    renameSync(join(other, "adapter_config.json"), join(both, "adapter_config (1).json"));
    const out = join(folder, "alone");
    const { code } = await run(["merge", join(both, "adapter_model (1).safetensors"), "--out", out]);
    expect(code).toBe(0);
    expect(readMerged(out).config.r).toBe(3);
  });

  it.concurrent("a report whose name has commas and line breaks leaves the folder ours", async () => {
    const out = join(folder, "listed");
    const merge = () => run(["merge", good, "--out", out, "--force", "--report", join(out, "a, b\n-->.json")]);
    expect((await merge()).code).toBe(0);
    expect((await merge()).code).toBe(0);
  });
});

describe("lora-lego verify", () => {
  it.concurrent("takes --allow-partial, as its refusal says", async () => {
    const modules = { "other.0.q_proj": { in: 6, out: 5 } };
    const stranger = writeAdapter(join(folder, "stranger"), randomAdapter(6, { modules }));
    await refuses(["verify", good, stranger], /share no module.*--allow-partial/);
    expect((await run(["verify", good, stranger, "--allow-partial"])).code).toBe(0);
  });
});
