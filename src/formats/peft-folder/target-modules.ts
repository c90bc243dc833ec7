/** A config's modules: target_modules as a plain list, null where it is not one or other fields narrow it. */
export interface StatedTargets {
  readonly targetModules: readonly string[] | null;
}

/**
 * target_modules of a LoRA: the union of its sources' plain lists without left-out modules, where that names every module; else every
 * module by its full path.
 */
export function targetModules(
  sources: readonly StatedTargets[],
  modules: readonly string[],
  left: readonly string[],
): readonly string[] {
  const lists = sources.map(({ targetModules: list }) => list);
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
