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

/** A rule of `--method auto`. */
type Rule = Omit<AutoChoice, "reason">;

/** The rules: the first one that covers the number of acting adapters decides. */
const RULES: readonly (Rule & { readonly most: number })[] = [
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

/** The rule for several adapters of which a module has more units than have a matrix of all pairs. */
const CROWDED: Rule = {
  method: "lego",
  scale: 1,
  why: "merges modules of more than 4096 units, which tsv and a computed factor do not, and as merged keeps adapters best among the quick methods that do so in most sets measured",
};

/** The rules in one line, for lists and forms. */
export function autoRules(): string {
  const rules = RULES.map(({ most, method, scale }, i) => {
    const least = i === 0 ? 1 : RULES[i - 1]!.most + 1;
    const adapters = least === most ? String(least) : `${least} and more`;
    return `${adapters}: ${method}${factorShown(scale)}`;
  });
  return `by the number of adapters: ${rules.join("; ")}; beyond 4096 units in a module: ${CROWDED.method}`;
}

/**
 * The method for a number of adapters whose deltas and weights are not zero; deterministic.
 *
 * @param acting at least 0
 * @param crowded whether a module has more than 4096 units
 */
export function chooseMethod(acting: number, crowded: boolean): AutoChoice {
  const { method, scale, why } = crowded && acting > 1 ? CROWDED : RULES.find(({ most }) => acting <= most)!;
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
 * @param crowded whether a module has more than 4096 units
 */
export function adviceFor(acting: number, crowded: boolean, method: string, scale: number | "auto"): string | null {
  const choice = chooseMethod(acting, crowded);
  // Whoever chose a factor has the method already.
  const same = choice.method === method && (choice.scale === scale || scale !== 1);
  if (acting < 2 || same) return null;
  return `For ${acting} adapters --method auto takes ${choice.method}${factorShown(choice.scale)}: it ${choice.why}.`;
}

function factorShown(scale: 1 | "auto"): string {
  return scale === "auto" ? " with a computed factor" : "";
}
