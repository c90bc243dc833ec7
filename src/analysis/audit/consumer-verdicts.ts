import type { Adapter } from "../../adapter/adapter.ts";
import { CONSUMER_IDS, type ConsumerId, consumerById } from "../../adapter/consumers.ts";
import type { BaseFacts } from "../base-facts.ts";
import { checkOpened } from "../check.ts";

/** Whether a program loads the adapters of a set as they are. */
export interface ConsumerVerdict {
  readonly for: ConsumerId;
  readonly title: string;
  /** The version of the program that this applies to. */
  readonly version: string;
  /** The first thing that keeps the program from loading an adapter with the same meaning, by adapter; empty if nothing was found. */
  readonly problems: readonly { readonly adapter: string; readonly text: string }[];
  /** What has to be known before anything can be said; null where nothing has. */
  readonly undecided: string | null;
}

/**
 * What `check` says about each program, from headers and configs alone.
 *
 * @param base what is known about the base model; null if nothing is
 */
export function consumerVerdicts(adapters: readonly Adapter[], base: BaseFacts | null = null): ConsumerVerdict[] {
  return CONSUMER_IDS.map((id) => {
    const consumer = consumerById(id);
    const checks = adapters.map((adapter) => checkOpened(adapter, consumer, base));
    const problems = checks.flatMap(({ findings }, t) => {
      const first = findings.find(({ level }) => level !== "note");
      return first === undefined ? [] : [{ adapter: adapters[t]!.name, text: first.text }];
    });
    const undecided = checks.find((check) => check.undecided !== null)?.undecided ?? null;
    return { for: id, title: consumer.title, version: consumer.version, problems, undecided };
  });
}
