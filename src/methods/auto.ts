/** The method id that stands for a choice by the adapters; docs/methods/auto.md explains the rules. */
export const AUTO = "auto";

/** A method that was chosen, and why. */
export interface AutoChoice {
  readonly method: string;
  /** One sentence. */
  readonly reason: string;
}

/** The rules of `--method auto`: the first one that covers the number of acting adapters decides. */
const RULES: readonly { readonly most: number; readonly method: string; readonly why: string }[] = [
  { most: 1, method: "svd", why: "returns one adapter unchanged, or its best approximation at a smaller rank" },
  { most: 2, method: "ctm", why: "keeps two adapters best" },
  { most: Number.POSITIVE_INFINITY, method: "tsv", why: "keeps three or more adapters best" },
];

/**
 * The method for a number of adapters whose deltas and weights are not zero; deterministic.
 *
 * @param acting at least 0
 */
export function chooseMethod(acting: number): AutoChoice {
  const { method, why } = RULES.find(({ most }) => acting <= most)!;
  return {
    method,
    reason: `${method} was chosen for ${acting === 1 ? "1 adapter" : `${acting} adapters`}: it ${why}.`,
  };
}
