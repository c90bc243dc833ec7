import { existsSync, readFileSync, writeFileSync } from "node:fs";
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
  const base = join(folder, "config.json");
  writeFileSync(base, JSON.stringify({ model_type: "llama", num_attention_heads: 4, num_key_value_heads: 2 }));
  const outs = ["1", "2"].map((threads) => ({ threads, out: join(folder, threads) }));
  for (const { threads, out } of outs) {
    const { code, stderr } = await run([
      "merge",
      rounded,
      exact,
      "--base-config",
      base,
      "--threads",
      threads,
      "--out",
      out,
    ]);
    expect([code, stderr.includes("error")]).toEqual([0, false]);
  }
  const [one, two] = outs.map(({ out }) => readFileSync(join(out, "adapter_model.safetensors")));
  expect(one!.equals(two!)).toBe(true);

  const without = await run(["merge", rounded, exact, "--out", join(folder, "without")]);
  expect([without.code, without.stderr]).toEqual([
    2,
    expect.stringMatching(
      /lora-q8_0\.gguf: \S+ is llama\.cpp's name of a module.*pass that file as --base-config\.\n$/,
    ),
  ]);
  expect(existsSync(join(folder, "without"))).toBe(false);
});
