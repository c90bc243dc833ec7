import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomAdapter, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const folder = tempFolder();
const good = writeAdapter(join(folder, "good"), randomAdapter(1, { rank: 8 }));
const odd = writeAdapter(join(folder, "odd"), randomAdapter(2, { rank: 3 }));

describe("lora-lego check", () => {
  it.concurrent("says that all is well, with status 0", async () => {
    const { code, stdout } = await run(["check", good, "--for", "vllm"]);
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual([
      "good: vLLM loads it, and it means the same",
      expect.stringMatching(/^ {2}note: start vLLM with --max-lora-rank 8/),
    ]);
  });

  it.concurrent("prints one line per problem for each adapter, with status 1", async () => {
    const { code, stdout } = await run(["check", good, odd, "--for", "tgi"]);
    expect(code).toBe(1);
    expect(lines(stdout).slice(1)).toEqual([
      "odd: not for TGI / LoRAX as it is",
      expect.stringMatching(/^ {2}differs: .*write rank 8 with lora-lego merge --for tgi\.$/),
    ]);
    const json = JSON.parse((await run(["check", odd, "--for", "tgi", "--json"])).stdout);
    expect(json).toEqual([{ name: "odd", for: "tgi", findings: [expect.objectContaining({ level: "differs" })] }]);
  });

  it.concurrent("is satisfied by what merge --for writes", async () => {
    const out = join(folder, "merged");
    expect((await run(["merge", odd, "--for", "tgi", "--out", out])).code).toBe(0);
    expect(readMerged(out).config.r).toBe(8);
    expect((await run(["check", out, "--for", "tgi"])).code).toBe(0);
  });

  it.concurrent("refuses a consumer that it does not know, and adapters that it cannot read", async () => {
    const unknown = await run(["check", good, "--for", "ollama"]);
    expect([unknown.code, lines(unknown.stderr)]).toEqual([2, [expect.stringMatching(/no consumer "ollama"/)]]);
    const missing = await run(["check", join(folder, "none"), "--for", "peft"]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/no file or folder/);
  });
});
