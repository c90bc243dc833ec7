/** Modules whose weights are searched together. */
export interface LayerGroup {
  /** A pattern of their names, which is what tables call them. */
  readonly match: string;
}

/** A name with a number in it: what stands before, the layer, and the part of the layer. */
const NUMBERED = /^(.*?)\.(\d+)\.(?:([^.]+)\.)?[^.]+$/;

/**
 * The modules of a model in groups of alike ones: the first and the second half of its layers, each by its parts, such as attention and
 * MLP. Names without a layer's number are in no group. In the order of the names.
 *
 * @param modules canonical names
 */
export function layerGroups(modules: Iterable<string>): LayerGroup[] {
  const stacks = new Map<string, { readonly layers: Set<number>; readonly parts: Set<string> }>();
  for (const name of modules) {
    const found = NUMBERED.exec(name);
    if (found === null) continue;
    const [, before, layer, part = "*"] = found;
    const stack = stacks.get(before!) ?? { layers: new Set(), parts: new Set() };
    stacks.set(before!, stack);
    stack.layers.add(Number(layer));
    stack.parts.add(part);
  }
  return [...stacks].flatMap(([before, { layers, parts }]) =>
    halves([...layers].sort((p, q) => p - q)).flatMap(([first, last]) =>
      [...parts].map((part) => ({ match: `${before}.${first}-${last}.${part === "*" ? "*" : `${part}.**`}` })),
    ),
  );
}

/** First and last number of each half. */
function halves(sorted: readonly number[]): (readonly [number, number])[] {
  const middle = Math.ceil(sorted.length / 2);
  const parts = [sorted.slice(0, middle), sorted.slice(middle)];
  return parts.flatMap((part) => (part.length === 0 ? [] : [[part[0]!, part.at(-1)!] as const]));
}
