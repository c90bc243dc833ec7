/** What a config adapts. */
export interface StatedTargets {
  /** target_modules as a plain list, null where it is not one or other fields narrow it. */
  readonly targetModules: readonly string[] | null;
  /** target_parameters; empty where there are none. */
  readonly targetParameters: readonly string[];
}

/**
 * target_modules or target_parameters of a LoRA: the union of its sources' plain lists without what is left out, where that names every
 * path; else every path in full.
 *
 * @param lists of the sources
 * @param modules full paths
 * @param left paths that are left out
 */
export function targetsOf(
  lists: readonly (readonly string[] | null)[],
  modules: readonly string[],
  left: readonly string[],
): readonly string[] {
  if (lists.includes(null)) return modules;
  const union = new Set(lists.flatMap((list) => list ?? []));
  // PEFT would make a fresh LoRA for a module that an entry names and the file lacks.
  for (const name of left) for (const suffix of suffixes(name)) union.delete(suffix);
  return modules.every((name) => suffixes(name).some((suffix) => union.has(suffix))) ? [...union].sort() : modules;
}

/** A dotted path, and its rest after each dot. */
function suffixes(path: string): string[] {
  const parts = path.split(".");
  return parts.map((_, from) => parts.slice(from).join("."));
}
