import { FormatError } from "../core/errors.ts";
import { isJsonObject, type JsonValue, parseStrictJson, showJson } from "../formats/json.ts";

/** One question to a model: the likelier of its choices, as continuations of the prompt, is the model's answer. */
export interface TaskRow {
  /** Rows of the same task are scored together. */
  readonly task: string;
  readonly prompt: string;
  /** Continuations to choose from, without the leading space. */
  readonly choices: readonly string[];
  /** Index of the right choice. */
  readonly answer: number;
}

/**
 * Rows of a JSON Lines file: {prompt, choices, answer} and, where the file holds several, task. The answer is one of the choices, or its
 * index.
 *
 * @param task the task of rows without one
 * @param where what messages call the file
 * @throws FormatError naming the line
 * @example
 * ```ts
 * import { parseTaskRows } from "lora-lego/evaluate";
 *
 * const rows = parseTaskRows('{"prompt":"a","choices":["b","c"],"answer":"c"}', "letters", "rows.jsonl");
 * console.log(rows[0]?.task, rows[0]?.answer); // letters 1
 * ```
 */
export function parseTaskRows(text: string, task: string, where: string): TaskRow[] {
  const lines = text.split(/\r?\n/);
  const rows = lines.flatMap((line, i) => (line.trim() === "" ? [] : [parseRow(line, task, `${where}:${i + 1}`)]));
  if (rows.length > 0) return rows;
  throw new FormatError(`${where} has no rows; write one object {"prompt", "choices", "answer"} a line.`);
}

/**
 * The first rows of each task.
 *
 * @example
 * ```ts
 * import { firstOfEach, parseTaskRows } from "lora-lego/evaluate";
 *
 * const line = '{"prompt":"a","choices":["b","c"],"answer":"c"}';
 * console.log(firstOfEach(parseTaskRows(`${line}\n${line}`, "letters", "rows"), 1).length); // 1
 * ```
 */
export function firstOfEach(rows: readonly TaskRow[], limit: number): TaskRow[] {
  const taken = new Map<string, number>();
  return rows.filter(({ task }) => {
    taken.set(task, (taken.get(task) ?? 0) + 1);
    return taken.get(task)! <= limit;
  });
}

function parseRow(line: string, task: string, where: string): TaskRow {
  const row = parseStrictJson(
    line,
    where,
    ({ column, problem }) =>
      `${where}:${column}: this line is not a row as JSON: ${problem}; write each row as an object {"prompt", "choices", "answer"} on a line of its own.`,
  );
  if (!isJsonObject(row)) throw wrong(where, "the line", row, 'an object {"prompt", "choices", "answer"}');
  if (typeof row.prompt !== "string" || row.prompt === "") throw wrong(where, "prompt", row.prompt, "a text");
  const { choices } = row;
  if (!isTexts(choices) || choices.length < 2 || new Set(choices).size < choices.length) {
    throw wrong(where, "choices", choices, "two or more different texts");
  }
  const answer = typeof row.answer === "number" ? row.answer : choices.indexOf(String(row.answer));
  if (!Number.isSafeInteger(answer) || answer < 0 || answer >= choices.length) {
    throw wrong(where, "answer", row.answer, `one of the choices or its index, 0 to ${choices.length - 1}`);
  }
  if (row.task !== undefined && typeof row.task !== "string") throw wrong(where, "task", row.task, "a text");
  return { task: row.task ?? task, prompt: row.prompt, choices, answer };
}

function isTexts(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");
}

function wrong(where: string, what: string, got: JsonValue | undefined, expected: string): FormatError {
  return new FormatError(`${where}: ${what} is ${showJson(got)}, but must be ${expected}; correct that line.`);
}
