import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { conversionCard, extractionCard, filesOfCard, fusionCard, modelCard } from "../../src/report/card.ts";
import { openPico, type PicoAdapter } from "../support/pico.ts";

/** Deltas [[3, 0], [0, 0]] and [[0, 0], [0, 4]], at right angles. */
const three: PicoAdapter = { modules: { q: { A: [[3, 0]], B: [[1], [0]] } } };
const four: PicoAdapter = { modules: { q: { A: [[0, 4]], B: [[0], [1]] } } };

/** The front matter of a card, and its tables as rows of cells. */
function read(card: string): { front: Record<string, unknown>; rows: string[][] } {
  const rows = card.split("\n").filter((line) => line.startsWith("|"));
  return {
    front: parse(/^---\n([\s\S]*?)\n---\n/.exec(card)![1]!),
    rows: rows.map((line) => line.split(/(?<!\\)\|/).slice(1, -1)).map((cells) => cells.map((cell) => cell.trim())),
  };
}

async function merged(names: readonly string[], config = {}) {
  const adapters = [three, four].slice(0, names.length).map((adapter) => ({ ...adapter, config }));
  const opened = await Promise.all(adapters.map((adapter, t) => openPico(names[t]!, adapter)));
  return mergeInMemory(opened, { method: "cat" });
}

describe("the card of a merge", () => {
  it("says in its front matter what the adapter is made for and of", async () => {
    const { plan, report } = await merged(["one", "two"], { base_model_name_or_path: "org/a: b" });
    expect(read(modelCard(plan, "peft", report, [], "", ["glue", "a: b"])).front).toEqual({
      base_model: "org/a: b",
      base_model_relation: "adapter",
      library_name: "peft",
      datasets: ["glue", "a: b"],
      tags: ["lora", "merge", "lora-lego", "cat"],
    });
    const unknown = await merged(["one", "two"], { base_model_name_or_path: null });
    expect(read(modelCard(unknown.plan, "kohya", unknown.report, [], "", [])).front).toEqual({
      tags: ["lora", "merge", "lora-lego", "cat"],
    });
  });

  it("shows what came out, and each input with its weight, cosine and hash", async () => {
    const { plan, report } = await merged(["one", "a|b_c"]);
    const hash = "0f".repeat(32);
    const inputs = [report.inputs[0]!, { ...report.inputs[1]!, sha256: hash }];
    const card = modelCard(plan, "peft", { ...report, inputs }, [], "method: cat\n", []);
    // |(3, 4)| over the mean of 3 and 4; the cosines are 9 / 15 and 16 / 20.
    expect(read(card).rows).toEqual([
      ["", ""],
      ["---", "---"],
      ["modules", "1"],
      ["rank", "2"],
      ["dtype", "f32"],
      ["norm ratio", (5 / 3.5).toFixed(4)],
      ["energy", "1.0000"],
      ["adapter", "weight", "cosine", "sha256 of the weights"],
      ["---", "---", "---", "---"],
      ["one", "1", "0.6000", ""],
      ["a\\|b\\_c", "1", "0.8000", `\`${hash}\``],
    ]);
    expect(card).toContain("Made from 2 adapters by lora-lego ");
    expect(card).toContain("\n```yaml\nmethod: cat\n```\n");
  });

  it("leaves figures empty that are not defined, and counts one adapter in words", async () => {
    const zero = await openPico("zero", { modules: { q: { A: [[1, 2]], B: [[0], [0]] } } });
    const { plan, report } = await mergeInMemory([zero], {});
    const card = modelCard(plan, "peft", report, [], "", []);
    expect(read(card).rows).toContainEqual(["norm ratio", ""]);
    expect(read(card).rows).toContainEqual(["zero", "1", "", ""]);
    expect(card).toContain("Made from one adapter by");
  });

  it("names the inputs' trigger words, and has no such section without them", async () => {
    const { plan, report } = await merged(["one"]);
    expect(plan.triggerWords).toEqual([]);
    expect(modelCard(plan, "peft", report, [], "", [])).not.toContain("Trigger words");
    const said = { ...plan, triggerWords: ["zkz style", "a_b\n# c"] };
    expect(modelCard(said, "peft", report, [], "", [])).toContain(
      "|\n\n## Trigger words\n\nNamed by the inputs' files, or else the commonest tag of each of their data sets.\n\n- zkz style\n- a\\_b # c\n\n## Recipe\n",
    );
  });

  it("escapes what could steer a terminal in the recipe, line by line", async () => {
    const { plan, report } = await merged(["one"]);
    expect(modelCard(plan, "peft", report, [], "a: 1\nb: \u001b[2J\n", [])).toContain("a: 1\nb: \\u001b[2J\n```");
  });
});

describe("other cards", () => {
  it("say what was made of what", async () => {
    const adapter = await openPico("my_lora", { ...three, config: { base_model_name_or_path: "base" } });
    const converted = conversionCard(adapter, "kohya", ["a.safetensors"], "lora-lego 1");
    expect(read(converted).front).toEqual({ base_model: "base", tags: ["lora", "lora-lego"] });
    expect(converted).toContain("# LoRA adapter my\\_lora\n");
    expect(converted).toContain("from peft to kohya by lora-lego 1: 1 module, ");
    const baseless = conversionCard({ ...adapter, baseModel: null }, "kohya", [], "lora-lego 1");
    expect(read(baseless).front).toEqual({ tags: ["lora", "lora-lego"] });
    const fused = fusionCard("base", ["one", "*two*"], [], "lora-lego 1");
    expect(read(fused).front).toEqual({ base_model: "base", tags: ["lora-lego"] });
    expect(fused).toContain("# base with one and \\*two\\*\n");
    expect(fused).toContain("2 LoRA adapters");
    const extracted = extractionCard("base", "tuned\u202e\nmodel", [], "lora-lego 1");
    expect(read(extracted).front).toMatchObject({ base_model: "base", library_name: "peft" });
    expect(extracted).toContain("Extracted from tuned model and its base base by lora-lego 1.");
  });
});

describe("the files that a card lists", () => {
  it("are read back, whatever they are called, and do not end the comment", () => {
    const files = ["a--b.json", "-->", '"quoted", with a comma', "ü"];
    const card = extractionCard("base", "tuned", files, "lora-lego 1");
    expect(filesOfCard(card)).toEqual(files);
    expect(card.match(/-->/g)).toHaveLength(1);
  });

  it("may be the plain list of earlier versions", () => {
    expect(filesOfCard("x\n<!-- Written by lora-lego: README.md, adapter_config.json -->\n")).toEqual([
      "README.md",
      "adapter_config.json",
    ]);
  });

  it.each([
    ["a card of someone else", "# A card"],
    ["a broken list", "<!-- Written by lora-lego: [1, -->"],
    ["a list of what is no text", '<!-- Written by lora-lego: ["a", 1] -->'],
  ])("are none in %s", (_, card) => {
    expect(filesOfCard(card)).toBeNull();
  });
});
