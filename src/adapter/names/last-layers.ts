/** The highest layer index (first integer of the path) for each path before it. */
export function lastLayers(modules: Iterable<string>): Map<string, number> {
  const last = new Map<string, number>();
  for (const name of modules) {
    const match = /^(.*?)\.(\d+)(?:\.|$)/.exec(name);
    if (match === null) continue;
    last.set(match[1]!, Math.max(last.get(match[1]!) ?? 0, Number(match[2])));
  }
  return last;
}
