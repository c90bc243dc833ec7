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
}

/**
 * What `check` says about each program, from headers and configs alone.
 *
 * @param base what is known about the base model; null if nothing is
 */
export function consumerVerdicts(adapters: readonly Adapter[], base: BaseFacts | null = null): ConsumerVerdict[] {
  return CONSUMER_IDS.map((id) => {
    const consumer = consumerById(id);
    const problems = adapters.flatMap((adapter) => {
      const first = checkOpened(adapter, consumer, base).findings.find(({ level }) => level !== "note");
      return first === undefined ? [] : [{ adapter: adapter.name, text: first.text }];
    });
    return { for: id, title: consumer.title, version: consumer.version, problems };
  });
}
