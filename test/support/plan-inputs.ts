import { expect } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import type { Dtype } from "../../src/core/dtype.ts";
import type { RefusedError, UsageError } from "../../src/core/errors.ts";
import { linear, openPeft } from "./memory-folder.ts";

export type Config = Readonly<Record<string, unknown>>;

/** An adapter of linear modules of these ranks, all of scale 2 unless the config says otherwise. */
export function adapterOf(
  name: string,
  ranks: Readonly<Record<string, number>>,
  config: Config = {},
  dtype: Dtype = "F32",
): Promise<Adapter> {
  const [rank] = Object.values(ranks) as [number];
  // The first match wins, so that a path must stand before the paths that are its end.
  const entries = Object.entries(ranks).toSorted(([one], [other]) => other.length - one.length);
  const patterns = {
    rank_pattern: Object.fromEntries(entries),
    alpha_pattern: Object.fromEntries(entries.map(([module, r]) => [module, 2 * r])),
  };
  return openPeft(
    Object.entries(ranks).flatMap(([module, r]) => linear(module, r, 30, 40, dtype)),
    { r: rank, lora_alpha: 2 * rank, ...patterns, ...config },
    name,
  );
}

/** An adapter of one linear module "q" of rank 2 and this scale. */
export const scaled = (scale: number, name = "scaled"): Promise<Adapter> =>
  openPeft(linear("q"), { r: 2, lora_alpha: 2 * scale }, name);

/** Expect planning to be refused by an error of this kind, whose text has these parts. */
export function refused(plan: () => unknown, kind: typeof UsageError | typeof RefusedError, ...parts: string[]): void {
  expect(plan).toThrow(kind);
  for (const part of parts) expect(plan).toThrow(part);
}
