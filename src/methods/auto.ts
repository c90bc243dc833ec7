/** The method id that stands for a choice by the adapters; docs/methods/auto.md explains the rules. */
export const AUTO = "auto";

/** A method that was chosen, and why. */
export interface AutoChoice {
  readonly method: string;
  /** The factor of its result, if the recipe gives none. */
  readonly scale: 1 | "auto";
  /** One sentence. */
  readonly reason: string;
}

/** The rules of `--method auto`: the first one that covers the number of acting adapters decides. */
const RULES: readonly (Omit<AutoChoice, "reason"> & { readonly most: number; readonly why: string })[] = [
  {
    most: 1,
    method: "svd",
    scale: 1,
    why: "returns one adapter unchanged, or its best approximation at a smaller rank",
  },
  { most: 2, method: "ctm", scale: "auto", why: "does well with two adapters, though not always best" },
  { most: Number.POSITIVE_INFINITY, method: "tsv", scale: "auto", why: "keeps three or more adapters best" },
];

/** The rules in one line, for lists and forms. */
export function autoRules(): string {
  const rules = RULES.map(({ most, method, scale }, i) => {
    const least = i === 0 ? 1 : RULES[i - 1]!.most + 1;
    const adapters = least === most ? String(least) : `${least} and more`;
    return `${adapters}: ${method}${scale === "auto" ? " with a computed factor" : ""}`;
  });
  return `by the number of adapters: ${rules.join("; ")}`;
}

/**
 * The method for a number of adapters whose deltas and weights are not zero; deterministic.
 *
 * @param acting at least 0
 */
export function chooseMethod(acting: number): AutoChoice {
  const { method, scale, why } = RULES.find(({ most }) => acting <= most)!;
  return {
    method,
    scale,
    reason: `${method} was chosen for ${acting === 1 ? "1 adapter" : `${acting} adapters`}: it ${why}.`,
  };
}
