import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MockHub, TOKEN } from "../support/mock-hub.ts";
import { randomAdapter, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const folder = tempFolder();
const local = writeAdapter(join(folder, "local"), randomAdapter(1));
const FILES = ["adapter_config.json", "adapter_model.safetensors"];

let hub: MockHub;
beforeAll(async () => {
  const files = Object.fromEntries(FILES.map((file) => [file, new Uint8Array(readFileSync(join(local, file)))]));
  hub = await MockHub.start({ "owner/style": { files, large: [FILES[1]!] } });
});
afterAll(() => hub.stop());

const env = (token = ""): Record<string, string> => ({
  HF_ENDPOINT: hub.endpoint,
  HF_HOME: join(folder, "hf"),
  HF_TOKEN: token,
});

describe("adapters of the Hub on the command line", () => {
  it("are merged, from a recipe too, and inspected by range", async () => {
    const out = join(folder, "merged");
    const merged = await run(["merge", "hf://owner/style", local, "--method", "cat", "--out", out], { env: env() });
    expect([merged.code, lines(merged.stderr).filter((line) => line.startsWith("error"))]).toEqual([0, []]);
    expect(merged.stdout).toContain("owner/style");
    expect(readMerged(out).config.r).toBe(4);
    const again = join(folder, "again");
    const recipe = await run(["run", join(out, "recipe.yaml"), "--adapters", folder, "--out", again], { env: env() });
    expect(recipe.code).toBe(0);
    const weights = (dir: string): Buffer => readFileSync(join(dir, FILES[1]!));
    expect(weights(again).equals(weights(out))).toBe(true);
    const inspected = await run(["inspect", "hf://owner/style", "--stream"], { env: env() });
    expect(inspected.stdout).toMatch(/^owner\/style: PEFT LoRA for pico/);
  });

  it("are refused in one line where the Hub does not have them", async () => {
    const { code, stderr } = await run(["inspect", "hf://owner/none"], { env: env() });
    expect([code, lines(stderr)]).toEqual([
      1,
      [expect.stringMatching(/^error: owner\/none: there is no such public model/)],
    ]);
  });

  it("are pushed with a token, and not without", async () => {
    const without = await run(["push", local, "me/style"], { env: env() });
    expect([without.code, lines(without.stderr)]).toEqual([1, [expect.stringMatching(/needs a token/)]]);
    const { code, stdout } = await run(["push", local, "me/style", "--private"], { env: env(TOKEN) });
    expect([code, stdout]).toEqual([0, `${hub.endpoint}/me/style: ${FILES.join(", ")}\n`]);
    expect([...hub.uploaded.get("me/style")!.keys()].sort()).toEqual(FILES);
  });
});
