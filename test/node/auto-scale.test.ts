import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mergeInMemory, type Recipe } from "lora-lego";
import { mergeAdapters, openAdapters } from "lora-lego/node";
import { describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const modules = Object.fromEntries(
  Array.from({ length: 6 }, (_, i) => [`model.layers.${i}.self_attn.q_proj`, { in: 40, out: 30 }]),
);

describe("a computed factor on disk", () => {
  const folder = tempFolder();
  const paths = [1, 2, 3].map((seed) =>
    writeAdapter(join(folder, `a${seed}`), randomAdapter(seed, { rank: 3, modules })),
  );
  const recipe: Recipe = { method: "tsv", scale: "auto", dtype: "bf16" };

  it.each([1, 2])("writes the bytes of a merge in memory with %i threads, and leaves no draft", async (threads) => {
    const out = join(folder, `out-${threads}`);
    const { report } = await mergeAdapters(paths, recipe, { out, threads });
    const opened = await openAdapters(paths);
    const { weights, report: expected } = await mergeInMemory(
      opened.map(({ adapter }) => adapter),
      recipe,
    );
    for (const { close } of opened) close();
    expect(new Uint8Array(readFileSync(join(out, "adapter_model.safetensors")))).toEqual(weights);
    expect(report.autoScale).toEqual(expected.autoScale);
    expect(readdirSync(out).sort()).toEqual([
      "README.md",
      "adapter_config.json",
      "adapter_model.safetensors",
      "recipe.yaml",
    ]);
    expect(readFileSync(join(out, "recipe.yaml"), "utf8")).toContain(`scale: ${report.autoScale!.factor}\n`);
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("writes other formats with the factor too", async () => {
    const [auto, given] = [join(folder, "auto"), join(folder, "given")];
    const { report } = await mergeAdapters(paths, recipe, { out: auto, to: "mlx" });
    await mergeAdapters(paths, { ...recipe, scale: report.autoScale!.factor }, { out: given, to: "mlx" });
    const weights = (out: string) => readFileSync(join(out, "adapters.safetensors"));
    expect(weights(auto)).toEqual(weights(given));
  });
});
