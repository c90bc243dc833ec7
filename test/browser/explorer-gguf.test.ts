import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { HandedFolder } from "../../src/browser/handed-files.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { mergeAdapters } from "../../src/node/index.ts";
import { minibench } from "../support/minibench.ts";
import { tempFolder } from "../support/pico.ts";
import { explorer } from "./explorer.ts";

const folder = tempFolder();
const baseConfig = join(minibench("cola"), "../../base/config.json");
const config = { text: readFileSync(baseConfig, "utf8"), where: "config.json" };
const paths = ["cola", "rte"].map((task) => join(folder, `${task}.gguf`));
beforeAll(async () => {
  for (const path of paths) {
    await convertAdapter(minibench(basename(path, ".gguf")), { to: "gguf", out: path, baseConfig });
  }
});

const handedFile = (path: string): HandedFolder => ({
  name: basename(path, ".gguf"),
  files: { [basename(path)]: { blob: new Blob([readFileSync(path)]) } },
  folders: [],
});

describe("GGUF adapters in the explorer", () => {
  it("are refused before a merge while the base model's config is unknown, with the command that needs it", async () => {
    const page = explorer();
    const cards = await Promise.all(paths.map((path) => page.open(handedFile(path))));
    expect(cards.map(({ needsBase }) => needsBase)).toEqual([true, true]);
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    expect(await page.estimate(chosen, {})).toEqual({
      refused: expect.stringMatching(/^cola: blk\.0\.\w+ is llama\.cpp's name of a module, and only the base model's/),
    });
    const { audit, conversions } = await page.overview(
      cards.map(({ id }) => id),
      () => {},
    );
    expect(audit.recommendation!.command).toMatch(
      /^lora-lego merge cola\.gguf rte\.gguf .*--base-config BASE\/config\.json --out merged\.gguf$/,
    );
    expect(conversions.vllm).toBe("lora-lego convert cola.gguf --to peft --base-config BASE/config.json --out cola");
  });

  it("merge as the command line merges them once it is given, and are judged with it", async () => {
    const page = explorer();
    expect(await page.useBase(config)).toBe("llama");
    const cards = await Promise.all(paths.map((path) => page.open(handedFile(path))));
    expect(cards.map(({ needsBase }) => needsBase)).toEqual([false, false]);
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    expect(await page.estimate(chosen, {})).toMatchObject({ modules: 28, rank: 6 });
    const made = await page.merge(chosen, {}, () => {});
    const out = join(folder, "merged");
    await mergeAdapters(paths, {}, { out, baseConfig });
    const weights = "adapter_model.safetensors";
    expect(readFileSync(join(out, weights)).equals(made.files[weights]!)).toBe(true);
    const against = async () => {
      const programs = await page.programs(cards.map(({ id }) => id));
      return programs.find((program) => program.for === "vllm")!.against;
    };
    expect(await against()).toBeNull();
    await page.useBase({ ...config, text: config.text.replace(/"num_hidden_layers": *\d+/, '"num_hidden_layers": 2') });
    expect(await against()).toContain("config.json has 2 layers");
    await expect(page.useBase({ text: "{}", where: "config.json" })).rejects.toThrow("config.json has no model_type");
  });
});
