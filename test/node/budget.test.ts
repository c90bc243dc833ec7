import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mergeInMemory, type Recipe } from "lora-lego";
import { loadRecipe, mergeAdapters, openAdapters, runRecipe } from "lora-lego/node";
import { describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const modules = Object.fromEntries(
  Array.from({ length: 6 }, (_, i) => [`model.layers.${i}.self_attn.q_proj`, { in: 40, out: 30 }]),
);

const CLIP = "text_encoder.text_model.encoder.";

describe("a budget on disk", () => {
  const folder = tempFolder();
  const paths = [1, 2, 3].map((seed) =>
    writeAdapter(join(folder, `a${seed}`), randomAdapter(seed, { rank: 3, modules })),
  );
  const weightsOf = (out: string) => readFileSync(join(out, "adapter_model.safetensors"));

  it.each([undefined, "auto"] as const)(
    "gives the same bytes with 1 to 4 threads as in memory, scale %s",
    async (scale) => {
      const recipe: Recipe = { method: "tsv", target: { kind: "budget", rank: 4 }, ...(scale && { scale }) };
      const opened = await openAdapters(paths);
      const { weights, report: expected } = await mergeInMemory(
        opened.map(({ adapter }) => adapter),
        recipe,
      );
      for (const { close } of opened) close();
      for (const threads of [1, 2, 3, 4]) {
        const out = join(folder, `out-${threads}-${scale}`);
        const passes: number[] = [];
        const { report } = await mergeAdapters(paths, recipe, {
          out,
          threads,
          onProgress: ({ done, total }) => passes.push(done / total),
        });
        expect(new Uint8Array(weightsOf(out))).toEqual(weights);
        expect(report.budget).toEqual(expected.budget);
        // Once to look, once to merge.
        expect(passes.filter((share) => share === 1)).toHaveLength(2);
        expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
      }
    },
  );

  it("comes again from the recipe that it writes", async () => {
    const [out, again] = [join(folder, "out"), join(folder, "again")];
    await mergeAdapters(paths, { target: { kind: "budget", rank: 2 } }, { out });
    await runRecipe(await loadRecipe(join(out, "recipe.yaml"), folder), { out: again });
    expect(weightsOf(again)).toEqual(weightsOf(out));
  });

  it("is kept in formats where each module has its own rank", async () => {
    const named = Object.entries(modules).map(([name, size]) => [name.replace("model.", CLIP), size]);
    const styles = [6, 7].map((seed) =>
      writeAdapter(join(folder, `a${seed}`), randomAdapter(seed, { rank: 3, modules: Object.fromEntries(named) })),
    );
    const out = join(folder, "style.safetensors");
    const { report } = await mergeAdapters(
      styles,
      { method: "svd", target: { kind: "budget", rank: 3 } },
      { out, to: "kohya" },
    );
    const [opened] = await openAdapters([out]);
    const ranks = Array.from(opened!.adapter.modules.values(), ({ rank }) => rank);
    opened!.close();
    expect(ranks.sort()).toEqual(report.modules.map(({ rank }) => rank).sort());
    expect(report.budget).toEqual({ total: 18, used: 18 });
    expect(new Set(ranks).size).toBeGreaterThan(1);
  });
});
