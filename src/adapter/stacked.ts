/** A module that a stack of layers lacks beside one that is adapted. */
export interface StackGap {
  readonly lacking: string;
  readonly beside: string;
  /** The module beside it whose sizes it shares by its place in the stack; null where none is adapted. */
  readonly alike: string | null;
}

const ATTENTION = /^(.*\.)?([qkv])_proj$/;
const UP = /^(.*\.)?(up_proj|w3)$/;
/** What stands before up in the stack. */
const GATE: Readonly<Record<string, string>> = { up_proj: "gate_proj", w3: "w1" };

/**
 * Modules that must be adapted too where a program stacks the layers of a block: v beside q, q beside k and v, and gate beside up. k and
 * up may be missing: they are filled with zeros.
 *
 * @param modules dotted paths of what is adapted
 */
export function stackGaps(modules: Iterable<string>): StackGap[] {
  const adapted = new Set(modules);
  const has = (name: string): string | null => (adapted.has(name) ? name : null);
  const gaps = new Map<string, StackGap>();
  for (const beside of adapted) {
    const attention = ATTENTION.exec(beside);
    for (const letter of attention === null ? "" : "qv") {
      const prefix = attention![1] ?? "";
      const lacking = `${prefix}${letter}_proj`;
      // Keys and values have one size, which is not that of queries where they share heads.
      const alike = letter === "v" ? has(`${prefix}k_proj`) : null;
      if (!adapted.has(lacking)) gaps.set(lacking, { lacking, beside, alike });
    }
    const up = UP.exec(beside);
    const lacking = up === null ? null : `${up[1] ?? ""}${GATE[up[2]!]!}`;
    if (lacking !== null && !adapted.has(lacking)) gaps.set(lacking, { lacking, beside, alike: beside });
  }
  return [...gaps.values()];
}
