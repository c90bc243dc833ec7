import type { InputRanks } from "../method.ts";

/** The k that is taken where none is asked for: twice the adapters' mean rank, at most half of their units, at least the largest rank. Chosen on the evidence's dev rows (docs/methods/lego.md). */
export function defaultK({ largest, units, adapters }: InputRanks): number {
  return Math.max(largest, Math.floor(Math.min((2 * units) / adapters, units / 2)));
}
