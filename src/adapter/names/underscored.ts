/**
 * Give a module path whose dots were written as underscores its dots back, by the names that may stand between them; numbers may stand
 * anywhere. Where several names fit, the longest is taken, and a shorter one only if the rest does not fit otherwise.
 *
 * @param vocabulary names of one model family
 * @returns null where the path does not consist of these names
 */
export function dotted(path: string, vocabulary: readonly string[]): string | null {
  const parts = path.split("_");
  const known = new Set(vocabulary);
  const longest = Math.max(...vocabulary.map((name) => name.split("_").length));
  const dead = new Set<number>();
  const from = (at: number): string[] | null => {
    if (at === parts.length) return [];
    if (dead.has(at)) return null;
    for (let length = Math.min(longest, parts.length - at); length > 0; length--) {
      const name = parts.slice(at, at + length).join("_");
      if (!known.has(name) && !(length === 1 && /^\d+$/.test(name))) continue;
      const rest = from(at + length);
      if (rest !== null) return [name, ...rest];
    }
    dead.add(at);
    return null;
  };
  return from(0)?.join(".") ?? null;
}
