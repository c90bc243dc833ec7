import type { Adapter } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import { consumerById } from "../adapter/consumers.ts";
import { type Loaded, loadingLine } from "../adapter/loading.ts";
import { maximum } from "../core/maximum.ts";
import { consumerVerdicts } from "./audit/consumer-verdicts.ts";
import type { BaseFacts } from "./base-facts.ts";

/** A program or a format, and the line that loads an adapter there, or makes the file for it. */
export interface LoadingLine {
  readonly title: string;
  readonly line: string;
}

/** How programs load an adapter, by its headers and config. */
export interface ProgramLines {
  /** One for each program against which nothing is found. */
  readonly lines: readonly LoadingLine[];
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
    against: verdicts.find((own) => own.for === made)?.problems[0]?.text ?? null,
  };
}
