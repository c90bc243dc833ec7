import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { run } from "../cli/run.ts";
import { tempFolder } from "../support/pico.ts";

it("merges tensors that were decoded into memory alike on one thread and on two", async () => {
  const folder = tempFolder();
  const [rounded, exact] = ["q8_0", "f32"].map((dtype) =>
    fileURLToPath(new URL(`../golden/gguf/lora-${dtype}.gguf`, import.meta.url)),
  ) as [string, string];
  const outs = ["1", "2"].map((threads) => ({ threads, out: join(folder, threads) }));
  for (const { threads, out } of outs) {
    const { code, stderr } = await run(["merge", rounded, exact, "--threads", threads, "--out", out]);
    expect([code, stderr.includes("error")]).toEqual([0, false]);
  }
  const [one, two] = outs.map(({ out }) => readFileSync(join(out, "adapter_model.safetensors")));
  expect(one!.equals(two!)).toBe(true);
});
