import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GLUE_TASKS, parseGlue } from "../../src/evaluate/glue.ts";
import { parseTaskRows } from "../../src/evaluate/task-rows.ts";

const CORPUS = new URL("../../../shared/corpus/", import.meta.url);

describe("rows of JSON Lines", () => {
  it("name their answer by its text or its index, and their task where the file holds several", () => {
    const text =
      '{"prompt":"a","choices":["yes","no"],"answer":"no"}\n\n{"prompt":"b","choices":["1","0"],"answer":0,"task":"t"}\r\n';
    expect(parseTaskRows(text, "file", "file.jsonl")).toEqual([
      { task: "file", prompt: "a", choices: ["yes", "no"], answer: 1 },
      { task: "t", prompt: "b", choices: ["1", "0"], answer: 0 },
    ]);
  });

  it.each([
    ["", /^f\.jsonl has no rows; write one object/],
    ["[]", /^f\.jsonl:1: the line is \[\], but must be an object/],
    ['{"prompt":"","choices":["a","b"],"answer":0}', /^f\.jsonl:1: prompt is "", but must be a text/],
    ['{"prompt":"a","choices":["a"],"answer":0}', /choices is \["a"\], but must be two or more different texts/],
    ['{"prompt":"a","choices":["a","a"],"answer":0}', /two or more different texts/],
    [
      '\n{"prompt":"a","choices":["a","b"],"answer":2}',
      /^f\.jsonl:2: answer is 2, but must be one of the choices or its index, 0 to 1/,
    ],
    ['{"prompt":"a","choices":["a","b"],"answer":"c"}', /answer is "c"/],
    ['{"prompt":"a","choices":["a","b"]}', /answer is nothing/],
    ['{"prompt":"a","choices":["a","b"],"answer":0,"task":1}', /task is 1, but must be a text/],
    ["{", /^f\.jsonl:1/],
  ])("refuse %j", (text, message) => {
    expect(() => parseTaskRows(text, "f", "f.jsonl")).toThrow(message);
  });
});

describe("GLUE files", () => {
  it("become prompts by the columns of their task", () => {
    const rte = parseGlue(
      "index\tsentence1\tsentence2\tlabel\n0\tIt rains.\tIt is wet.\tnot_entailment\n",
      "rte",
      "dev.tsv",
    );
    expect(rte).toEqual([
      {
        task: "rte",
        prompt: "Premise: It rains.\nHypothesis: It is wet.\nDoes the hypothesis follow from the premise?\nAnswer:",
        choices: ["yes", "no"],
        answer: 1,
      },
    ]);
    const cola = parseGlue("gj04\t1\t\tThey drank the pub dry.\n", "cola", "train.tsv");
    expect(cola[0]).toMatchObject({
      prompt: expect.stringContaining("They drank the pub dry."),
      choices: ["no", "yes"],
      answer: 1,
    });
    const mrpc = parseGlue("\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tA.\tB.\n", "mrpc", "msr.tsv");
    expect(mrpc[0]!.prompt).toMatch(/^Sentence 1: A\.\nSentence 2: B\./);
  });

  it("leave out rows without an agreed label, and refuse other labels and columns", () => {
    const head = "sentence1\tsentence2\tgold_label\n";
    expect(parseGlue(`${head}a\tb\t-\n`, "snli", "f")).toEqual([]);
    expect(() => parseGlue(`${head}a\tb\tperhaps\n`, "snli", "f")).toThrow(/^f:2: the label is "perhaps", but must be/);
    expect(() => parseGlue(`${head}a\n`, "snli", "f")).toThrow(/the label is missing/);
    expect(() => parseGlue(head, "rte", "f")).toThrow(/^f has no column "label"/);
    expect(() => parseGlue(head, "squad", "f")).toThrow(/^There is no GLUE task "squad"; choose one of cola/);
    expect(GLUE_TASKS).toHaveLength(9);
  });

  it.skipIf(!existsSync(CORPUS))("of strangers are read whole (skipped without ../shared/corpus)", () => {
    for (const [task, rows] of [
      ["rte", 249],
      ["wnli", 71],
    ] as const) {
      const text = readFileSync(new URL(`glue-${task}/dev.tsv`, CORPUS), "utf8");
      const parsed = parseGlue(text, task, "dev.tsv");
      expect(parsed).toHaveLength(text.trim().split("\n").length - 1);
      expect(parsed.length).toBeGreaterThan(rows / 2);
      expect(new Set(parsed.map(({ answer }) => answer)).size).toBe(2);
    }
  });
});
