import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

/** Sizes at which clustering takes seconds, so that a signal at the first sign of progress comes long before the end. */
const MODULES = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`layers.${i}.q_proj`, { in: 64, out: 64 }]));
const EFFORT = ["--method", "lego", "--effort", "6"];

let inputs: string[] = [];

beforeAll(() => {
  const root = tempFolder();
  inputs = [1, 2, 3, 4].map((seed) =>
    writeAdapter(join(root, `input-${seed}`), randomAdapter(seed, { modules: MODULES, rank: 16, dtype: "BF16" })),
  );
});

describe("Ctrl-C during a merge", () => {
  it.each(["1", "2"])(
    "leaves the old output and nothing else, and ends with status 130 (%s threads)",
    async (threads) => {
      const folder = tempFolder();
      const out = join(folder, "merged");
      expect(await run(["merge", inputs[0]!, "--out", out])).toMatchObject({ code: 0 });
      const before = readdirSync(out).map((file) => readFileSync(join(out, file), "base64"));
      let during: string[] = [];
      const ended = await run(["merge", ...inputs, "--out", out, "--force", "--threads", threads, ...EFFORT], {
        onStderr(child, text) {
          if (!/^merging: \d+ of \d+ modules\n/.test(text)) return;
          during = readdirSync(folder);
          child.kill("SIGINT");
        },
      });
      expect(during).toContainEqual(expect.stringMatching(/^merged\.tmp-\d+$/));
      expect(ended).toMatchObject({ code: 130, signal: null, stdout: "" });
      expect(lines(ended.stderr).at(-1)).toBe("Interrupted; nothing was written.");
      expect(readdirSync(folder)).toEqual(["merged"]);
      expect(readdirSync(out).map((file) => readFileSync(join(out, file), "base64"))).toEqual(before);
    },
  );
});
