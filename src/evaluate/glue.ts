import { FormatError, UsageError } from "../core/errors.ts";
import type { TaskRow } from "./task-rows.ts";

/** How the rows of one GLUE-style task become prompts. */
interface GlueTask {
  /** Columns by their names in the header, or by position in files without one. */
  readonly columns: readonly (string | number)[];
  readonly label: string | number;
  /** The prompt of a row's columns. */
  prompt(one: string, other: string): string;
  /** The label in the files for each choice. */
  readonly choices: Readonly<Record<string, string>>;
}

const pair = (first: string, second: string, question: string) => (one: string, other: string) =>
  `${first}: ${one}\n${second}: ${other}\n${question}\nAnswer:`;
const YES_NO = { entailment: "yes", not_entailment: "no" };
const FOLLOWS = "Does the hypothesis follow from the premise?";
const INFERENCE = {
  columns: ["sentence1", "sentence2"],
  label: "gold_label",
  prompt: pair("Premise", "Hypothesis", FOLLOWS),
  choices: { entailment: "yes", neutral: "maybe", contradiction: "no" },
};

/** The columns are those of gluebenchmark.com's files, as its starter code reads them. The prompts are this project's own. */
const GLUE: Readonly<Record<string, GlueTask>> = {
  cola: {
    columns: [3, 3],
    label: 1,
    prompt: (one) => `Sentence: ${one}\nIs this sentence acceptable English?\nAnswer:`,
    choices: { 1: "yes", 0: "no" },
  },
  sst2: {
    columns: ["sentence", "sentence"],
    label: "label",
    prompt: (one) => `Review: ${one}\nWhat does the review feel?\nAnswer:`,
    choices: { 1: "positive", 0: "negative" },
  },
  mrpc: {
    columns: ["#1 String", "#2 String"],
    label: "Quality",
    prompt: pair("Sentence 1", "Sentence 2", "Do the sentences mean the same?"),
    choices: { 1: "yes", 0: "no" },
  },
  qqp: {
    columns: ["question1", "question2"],
    label: "is_duplicate",
    prompt: pair("Question 1", "Question 2", "Do the questions ask the same?"),
    choices: { 1: "yes", 0: "no" },
  },
  qnli: {
    columns: ["question", "sentence"],
    label: "label",
    prompt: pair("Question", "Sentence", "Does the sentence answer the question?"),
    choices: YES_NO,
  },
  mnli: INFERENCE,
  snli: INFERENCE,
  rte: {
    columns: ["sentence1", "sentence2"],
    label: "label",
    prompt: pair("Premise", "Hypothesis", FOLLOWS),
    choices: YES_NO,
  },
  wnli: {
    columns: ["sentence1", "sentence2"],
    label: "label",
    prompt: pair("Sentence", "Reading", "Is this reading of the sentence right?"),
    choices: { 1: "yes", 0: "no" },
  },
};

/** The tasks whose tab-separated files are read. */
export const GLUE_TASKS: readonly string[] = Object.keys(GLUE);

/**
 * Rows of a GLUE file: tab-separated, no quoting, a header except in CoLA. Rows whose label is "-" (no agreement) are left out.
 *
 * @param task cola, sst2, mrpc, qqp, qnli, mnli, snli, rte or wnli
 * @param where what messages call the file
 * @throws UsageError for another task, FormatError naming the line
 * @example
 * ```ts
 * import { parseGlue } from "lora-lego/evaluate";
 *
 * const [row] = parseGlue("index\tsentence1\tsentence2\tlabel\n0\tIt rains.\tIt is wet.\tentailment\n", "rte", "dev.tsv");
 * console.log(row?.choices, row?.answer); // [ 'yes', 'no' ] 0
 * ```
 */
export function parseGlue(text: string, task: string, where: string): TaskRow[] {
  const glue = GLUE[task];
  if (glue === undefined)
    throw new UsageError(`There is no GLUE task "${task}"; choose one of ${GLUE_TASKS.join(", ")}.`);
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const named = typeof glue.label === "string";
  const header = named ? lines[0]!.split("\t") : null;
  const place = (column: string | number): number => {
    const at = typeof column === "number" ? column : header!.indexOf(column);
    if (at >= 0) return at;
    throw new FormatError(
      `${where} has no column "${column}" (its first line is ${lines[0]!.slice(0, 80)}), which ${task} has; pass the file of that task.`,
    );
  };
  const [one, other] = glue.columns.map(place);
  const label = place(glue.label);
  const choices = Object.values(glue.choices);
  return lines.flatMap((line, i) => {
    if (line === "" || (named && i === 0)) return [];
    const cells = line.split("\t");
    const [first, second, given] = [cells[one!], cells[other!], cells[label]];
    if (given === "-") return [];
    const choice = given === undefined ? undefined : glue.choices[given];
    if (first === undefined || second === undefined || choice === undefined) {
      throw new FormatError(
        `${where}:${i + 1}: the label is ${given === undefined ? "missing" : JSON.stringify(given)}, but must be ${Object.keys(glue.choices).join(" or ")}; correct or remove that line.`,
      );
    }
    return [{ task, prompt: glue.prompt(first.trim(), second.trim()), choices, answer: choices.indexOf(choice) }];
  });
}
