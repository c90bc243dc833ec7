import type { Adapter } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import { consumerById } from "../adapter/consumers.ts";
import { type Loaded, loadingLine } from "../adapter/loading.ts";
import { maximum } from "../core/maximum.ts";
import { shellWord } from "../core/shell-word.ts";
import { consumerVerdicts } from "./audit/consumer-verdicts.ts";
import type { BaseFacts } from "./base-facts.ts";
import { otherModels } from "./checks/modules.ts";

/** A program or a format, and the line that loads an adapter there, or makes the file for it. */
export interface LoadingLine {
  readonly title: string;
  readonly line: string;
}

/** How programs load an adapter, by its headers and config. */
export interface ProgramLines {
  /** One for each program against which nothing is found. */
  readonly lines: readonly LoadingLine[];
  /** The other programs for models of its kind, against which something is found. */
  readonly refused: readonly string[];
  /** What is found against the program that it was made for; null if nothing is. */
  readonly against: string | null;
  /** The programs of which nothing can be said without the base's config. */
  readonly undecided: readonly string[];
}

/**
 * @param where its base is null where the one that it names is not there
 * @param made the program that it was made for; null for none
 * @param base what is known about the base model; null if nothing is
 */
export function programLines(
  adapter: Adapter,
  where: Omit<Loaded, "rank">,
  made: ConsumerId | null,
  base: BaseFacts | null = null,
): ProgramLines {
  const rank = maximum([...adapter.modules.values()].map((module) => module.rank));
  const verdicts = consumerVerdicts([adapter], base);
  const free = verdicts.filter(({ problems }) => problems.length === 0);
  return {
    undecided: free.flatMap(({ title, undecided }) => (undecided === null ? [] : [title])),
    lines: free
      .filter(({ undecided }) => undecided === null)
      .map(({ for: id, title }) => ({ title, line: loadingLine(consumerById(id), { ...where, rank }) })),
    refused: verdicts
      .filter(({ for: id, problems }) => problems.length > 0 && otherModels(adapter, consumerById(id)) === null)
      .map(({ title }) => title),
    against: verdicts.find((own) => own.for === made)?.problems[0]?.text ?? null,
  };
}

/**
 * What has to be put into the lines for a base model; null where nothing has.
 *
 * @param named as the adapter names it; null if it names none
 * @param here whether it is no path of another machine
 * @param whole whether programs find it by that name
 */
export function baseSaid(
  { lines }: Pick<ProgramLines, "lines">,
  named: string | null,
  here: boolean,
  whole: boolean,
): string | null {
  const sentences = [
    hasWord(lines, named !== null && here ? shellWord(named) : "BASE") ? nameSaid(named, here, whole) : null,
    hasWord(lines, "BASE.gguf") ? "BASE.gguf stands for the base model as a GGUF file." : null,
  ].filter((sentence) => sentence !== null);
  return sentences.length === 0 ? null : sentences.join(" ");
}

function nameSaid(named: string | null, here: boolean, whole: boolean): string | null {
  if (named === null) return "BASE stands for the base model, which the adapter does not name.";
  if (!here) {
    return `Put the base model's path, or owner/name, in place of BASE: the adapter names ${named}, where nothing is.`;
  }
  return whole
    ? null
    : `${named} is the base model as the adapter names it; put its path, or owner/name, where a program does not find it.`;
}

function hasWord(lines: readonly LoadingLine[], word: string): boolean {
  return lines.some(({ line }) => line.includes(` ${word} `));
}
