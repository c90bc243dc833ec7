import { UsageError } from "../core/errors.ts";
import type { StartRank } from "./consumer.ts";
import { CONSUMER_IDS, CONSUMERS, type Consumer } from "./consumer-facts.ts";
import type { StackGap } from "./stacked.ts";

export type { Handling } from "./consumer.ts";
export { CONSUMER_IDS, type Consumer, type ConsumerId } from "./consumer-facts.ts";

/** A consumer by its id. @throws UsageError for an unknown one */
export function consumerById(id: string): Consumer {
  const found = CONSUMERS.find((consumer) => consumer.id === id);
  if (found !== undefined) return found;
  throw new UsageError(`There is no consumer "${id}"; choose one of ${CONSUMER_IDS.join(", ")}.`);
}

/** The smallest rank that a consumer accepts and that holds `rank` units; null where there is none. */
export function paddedRank({ ranks, mostRank }: Consumer, rank: number): number | null {
  if (mostRank !== null && rank > mostRank) return null;
  return ranks === null ? rank : (ranks.find((candidate) => candidate >= rank) ?? null);
}

/** Whether the extra tensors are one classifying head and nothing else, as vLLM loads it: classifier or score, weight and bias. */
export function isOneHead(keys: readonly string[]): boolean {
  const heads = new Set(keys.map((key) => /(?:^|\.)(score|classifier)\.(?:weight|bias)$/.exec(key)?.[1]));
  return heads.size === 1 && !heads.has(undefined) && keys.some((key) => key.endsWith(".weight"));
}

/** How to start a program for a rank of at most `mostRank`, as a sentence; null where no option is needed. */
export function startedFor({ title, startRank }: Consumer, rank: number): string | null {
  if (startRank === null) return null;
  const { option, default: without } = startRank;
  const least = offeredFor(startRank, rank);
  if (rank <= without)
    return `${title} takes rank ${rank} with ${option} ${least} or more; its default, ${without}, is enough.`;
  return `start ${title} with ${option} ${least} or more (its default is ${without}).`;
}

/** The option that starts a program for a rank of at most `mostRank`; null where its default is enough. */
export function startOption({ startRank }: Consumer, rank: number): string | null {
  return startRank === null || rank <= startRank.default ? null : `${startRank.option} ${offeredFor(startRank, rank)}`;
}

function offeredFor({ offered }: StartRank, rank: number): number {
  return offered.find((each) => each >= rank)!;
}

/** A module's place: its layer (the first number in its path) and its type (the path without that number). */
export function placeOf(module: string): { readonly type: string; readonly layer: number } | null {
  const match = /^(.*?)\.(\d+)\.(.+)$/.exec(module);
  return match === null ? null : { type: `${match[1]}.*.${match[3]}`, layer: Number(match[2]) };
}

/** A module with the shape of one that a stack lacks: one of its type in another layer, or else one that it must match; null if there is none. */
export function shapeOfGap<M extends { readonly name: string }>(
  { lacking, alike }: StackGap,
  modules: Iterable<M>,
): M | null {
  const all = [...modules];
  const type = placeOf(lacking)?.type;
  return (
    all.find(({ name }) => type !== undefined && placeOf(name)?.type === type) ??
    all.find(({ name }) => name === alike) ??
    null
  );
}

/** By type of module: the layers where other types are adapted but this one is not. */
export function missingLayers(modules: Iterable<string>): Map<string, number[]> {
  const types = new Map<string, Set<number>>();
  for (const name of modules) {
    const place = placeOf(name);
    if (place === null) continue;
    types.set(place.type, (types.get(place.type) ?? new Set()).add(place.layer));
  }
  const last = Math.max(...[...types.values()].flatMap((layers) => [...layers]));
  const missing = new Map<string, number[]>();
  for (const [type, layers] of types) {
    const lacking = Array.from({ length: last + 1 }, (_, layer) => layer).filter((layer) => !layers.has(layer));
    if (lacking.length > 0) missing.set(type, lacking);
  }
  return missing;
}
