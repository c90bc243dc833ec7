/** The method id that stands for a choice by the adapters; docs/methods/auto.md explains the rules. */
export const AUTO = "auto";

/** A method that was chosen, and why. */
export interface AutoChoice {
  readonly method: string;
  /** The factor of its result, if the recipe gives none. */
  readonly scale: 1 | "auto";
  /** What speaks for it, continuing "it". */
  readonly why: string;
  /** One sentence. */
  readonly reason: string;
}

/** The rules of `--method auto`: the first one that covers the number of acting adapters decides. */
const RULES: readonly (Omit<AutoChoice, "reason"> & { readonly most: number })[] = [
  {
    most: 1,
    method: "svd",
    scale: 1,
    why: "returns one adapter unchanged, or its best approximation at a smaller rank",
  },
  {
    most: Number.POSITIVE_INFINITY,
    method: "tsv",
    scale: "auto",
    why: "keeps several adapters best in most sets measured",
  },
];

/** The rules in one line, for lists and forms. */
export function autoRules(): string {
  const rules = RULES.map(({ most, method, scale }, i) => {
    const least = i === 0 ? 1 : RULES[i - 1]!.most + 1;
    const adapters = least === most ? String(least) : `${least} and more`;
    return `${adapters}: ${method}${factorShown(scale)}`;
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
    why,
    reason: `${method} was chosen for ${acting === 1 ? "1 adapter" : `${acting} adapters`}: it ${why}.`,
  };
}

/**
 * What `--method auto` would take instead of a merge by a method that was named; null if that is the same, and for one adapter.
 *
 * @param acting how many adapters change something
 */
export function adviceFor(acting: number, method: string, scale: number | "auto"): string | null {
  const choice = chooseMethod(acting);
  if (acting < 2 || (choice.method === method && choice.scale === scale)) return null;
  return `For ${acting} adapters --method auto takes ${choice.method}${factorShown(choice.scale)}: it ${choice.why}.`;
}

function factorShown(scale: 1 | "auto"): string {
  return scale === "auto" ? " with a computed factor" : "";
}
