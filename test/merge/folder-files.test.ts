import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { folderFiles, type MergedFormat, peftFolder, reportText } from "../../src/merge/folder-files.ts";
import { type MergedAdapter, mergeInMemory } from "../../src/merge/merge.ts";
import { filesOfCard } from "../../src/report/card.ts";
import type { FolderReader } from "../../src/report/tokenizer-files.ts";
import type { MemoryFiles } from "../support/memory-folder.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

const STEPS = [{ name: null, adapters: [{ path: "one" }, { path: "two" }], recipe: { method: "cat" } }] as const;

const merged = async (): Promise<MergedAdapter> =>
  mergeInMemory([await openPico("one", randomAdapter(1)), await openPico("two", randomAdapter(2))], { method: "cat" });

/** What lies beside an adapter; reading more than `most` bytes gives null, as of a folder on disk. */
function beside(files: MemoryFiles): FolderReader {
  return async (name, most) => {
    const content = files[name];
    if (content === undefined || content.length > most) return null;
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
}

/** The files that are written, as texts. */
async function written(
  format: (merge: MergedAdapter) => MergedFormat,
  folders: readonly MemoryFiles[] = [],
  reportName: string | null = null,
) {
  const merge = await merged();
  const { outcome, files } = await folderFiles(merge, format(merge), STEPS, folders.map(beside), reportName);
  const texts = Object.fromEntries(files.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]));
  return { merge, outcome, texts };
}

describe("the files beside merged weights", () => {
  it("are config, recipe and card, which lists a report where one is asked for", async () => {
    const { merge, texts, outcome } = await written(({ plan }) => peftFolder(plan), [], "report.json");
    expect(Object.keys(texts).sort()).toEqual(["README.md", "adapter_config.json", "recipe.yaml"]);
    expect(JSON.parse(texts["adapter_config.json"]!)).toEqual(merge.config);
    expect(parse(texts["recipe.yaml"]!)).toEqual({ adapters: ["one", "two"], method: "cat" });
    expect(JSON.parse([...reportText(outcome.report)].join(""))).toEqual(outcome.report);
    expect(outcome).toEqual({ plan: merge.plan, report: merge.report });
    expect(filesOfCard(texts["README.md"]!)!.sort()).toEqual(
      [...Object.keys(texts), "adapter_model.safetensors", "report.json"].sort(),
    );
    expect(texts["README.md"]).toContain("library_name: peft");
  });

  it("have no report where none is asked for, and no config in a format that has none", async () => {
    const kohya = { id: "kohya", weightsFile: "merged.safetensors", config: null, based: false } as const;
    const { texts } = await written(() => kohya);
    expect(Object.keys(texts).sort()).toEqual(["README.md", "recipe.yaml"]);
    expect(filesOfCard(texts["README.md"]!)!.sort()).toEqual(["README.md", "merged.safetensors", "recipe.yaml"]);
    expect(texts["README.md"]).not.toContain("library_name");
    expect(parse(texts["recipe.yaml"]!)).toMatchObject({ to: "kohya" });
  });

  it("tell in the recipe how to run it, with the base's config where one was needed", async () => {
    const command = "# lora-lego run recipe.yaml --adapters DIR --out OUT";
    const { texts } = await written(({ plan }) => peftFolder(plan));
    expect(texts["recipe.yaml"]).toContain(`${command}\n`);
    const based = await written(({ plan }) => peftFolder(plan, true));
    expect(based.texts["recipe.yaml"]).toContain(`${command} --base-config CONFIG\n`);
  });

  it("are also tokenizers that all inputs have alike, which the report calls carried", async () => {
    const one = { "tokenizer.json": "{}", "vocab.txt": "a", "merges.txt": "m", "notes.txt": "mine" };
    const { texts, outcome, merge } = await written(
      ({ plan }) => peftFolder(plan),
      [one, { "tokenizer.json": "{}", "vocab.txt": "b", "added_tokens.json": "{}" }],
    );
    expect(texts["tokenizer.json"]).toBe("{}");
    for (const name of ["vocab.txt", "merges.txt", "notes.txt", "added_tokens.json"])
      expect(texts).not.toHaveProperty(name);
    expect(outcome.report.carried).toEqual([...merge.report.carried, "tokenizer.json"]);
    expect(outcome.report.warnings).toEqual([
      {
        id: "tokenizer-differs",
        text: "The adapters have different vocab.txt; none is copied, so take the base model's.",
      },
    ]);
    expect(filesOfCard(texts["README.md"]!)).toContain("tokenizer.json");
  });

  it("leave out a tokenizer beyond 256 MB", async () => {
    const asked = new Map<string, number>();
    await folderFiles(
      await merged(),
      peftFolder((await merged()).plan),
      STEPS,
      [
        async (name, most) => {
          asked.set(name, most);
          return null;
        },
      ],
      null,
    );
    expect(asked.get("tokenizer.json")).toBe(256e6);
    expect(asked.get("vocab.json")).toBe(256e6);
  });

  it("name in the card what the inputs' cards say they were trained on", async () => {
    const { texts } = await written(
      ({ plan }) => peftFolder(plan),
      [{ "README.md": "---\ndatasets: [squad]\n---\n" }, {}],
    );
    expect(texts["README.md"]).toContain('datasets:\n- "squad"\n');
  });
});
