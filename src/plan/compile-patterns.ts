import type { Adapter } from "../adapter/adapter.ts";
import { spelled } from "../adapter/names/beginnings.ts";
import { type Spellings, spellingsOf } from "../adapter/names/spellings-of.ts";
import { familyById } from "../families/families.ts";
import type { Family } from "../families/family.ts";
import { modulePattern } from "../recipe/module-pattern.ts";

/** How a pattern fits a module: not, as a whole, or only a part of it, which other files have as a module of its own. */
export type Fit = "none" | "whole" | "part";

/** The families that some adapters may belong to. */
export function knownFamilies(adapters: readonly Pick<Adapter, "families">[]): readonly Family[] {
  return [...new Set(adapters.flatMap(({ families }) => families))].map(familyById);
}

/**
 * Compile patterns for modules. A pattern matches the names that modules have here. If it matches none of these, it matches the names of
 * modules of known families in other spellings, and those of their blocks.
 *
 * @param names of all modules
 * @returns for each pattern how it fits a module, or null if it fits none
 */
export function compilePatterns(families: readonly Family[], names: readonly string[]) {
  const known = new Map<string, Spellings & { readonly parts: readonly Spellings[] }>();
  const knownOf = (name: string) => {
    const own = known.get(name) ?? spellingsOf(families, name) ?? { here: [name], paths: [], blocks: [], parts: [] };
    known.set(name, own);
    return own;
  };
  return (pattern: string): ((name: string) => Fit) | null => {
    const matches = modulePattern(pattern);
    for (const fits of [({ here }: Spellings) => here.some(matches), elsewhere(pattern)]) {
      const fitOf = (name: string): Fit => {
        const module = knownOf(name);
        if (fits(module)) return "whole";
        const parts = module.parts.filter(fits).length;
        if (parts === 0) return "none";
        return parts === module.parts.length ? "whole" : "part";
      };
      if (names.some((name) => fitOf(name) !== "none")) return fitOf;
    }
    return null;
  };
}

/** Whether a pattern matches a module's path or block in any spelling: its end, or all of it if the pattern says how names begin. */
function elsewhere(pattern: string): (module: Spellings) => boolean {
  const own = spelled(pattern);
  if (own === null) return () => false;
  const { part, beginning, path, underscored } = own;
  if (beginning === "") {
    const matches = modulePattern(pattern);
    return ({ paths, blocks }) => paths.some(matches) || blocks.some(matches);
  }
  if (path === "" || (underscored && path.includes("."))) return () => false;
  const matches = modulePattern(`${part}.${path}`);
  const written = (name: string): string => {
    const [component, ...segments] = name.split(".");
    return underscored ? `${component}.${segments.join("_")}` : name;
  };
  return ({ paths, blocks }) => [...paths, ...blocks].some((name) => matches(written(name)));
}
