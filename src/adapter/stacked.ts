/** A module that must be adapted too, since it is stacked with one that is. */
export interface StackGap {
  readonly lacking: string;
  readonly beside: string;
  /** The adapted module of the same stack that has its sizes; null where there is none. */
  readonly alike: string | null;
}

const ATTENTION = /^(.*\.)?([qkv])_proj$/;
const UP = /^(.*\.)?(up_proj|w3)$/;
/** The module before up in the stack. */
const GATE: Readonly<Record<string, string>> = { up_proj: "gate_proj", w3: "w1" };

/**
 * Modules that must be adapted too where a program stacks the layers of a block: v next to q, q next to k and v, and gate next to
 * up. k and up may be missing: they are filled with zeros.
 *
 * @param modules dotted paths of the adapted modules
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
      // Keys and values have the same size, but queries have another where heads share keys and values.
      const alike = letter === "v" ? has(`${prefix}k_proj`) : null;
      if (!adapted.has(lacking)) gaps.set(lacking, { lacking, beside, alike });
    }
    const up = UP.exec(beside);
    const lacking = up === null ? null : `${up[1] ?? ""}${GATE[up[2]!]!}`;
    if (lacking !== null && !adapted.has(lacking)) gaps.set(lacking, { lacking, beside, alike: beside });
  }
  return [...gaps.values()];
}
