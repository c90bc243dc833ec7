import { familyById } from "../../families/families.ts";
import type { Family } from "../../families/family.ts";
import type { Adapter } from "../adapter.ts";
import { inFamily } from "./in-family.ts";
import { placeOf, sharesFactor, stackParts, wholeName } from "./whole.ts";

/**
 * Bring adapters of one image model to one name for each weight: those whose names could belong to several families take the names of the
 * others' family, and parts of a weight are stacked if any adapter has the weight whole, or in parts that share A. No delta changes.
 *
 * @param counts whether each adapter decides; the others only follow
 */
export function underOneFamily(given: readonly Adapter[], counts: readonly boolean[]): readonly Adapter[] {
  const common = commonFamilies(given.filter((_, t) => counts[t]));
  if (common.length === 0) return given;
  const families = common.map(familyById);
  const adapters = given.map((adapter) => inFamily(adapter, families));
  const [family] = families as [Family, ...Family[]];
  const whole = new Set(adapters.flatMap((adapter, t) => (counts[t] ? wholeWeights(adapter, family) : [])));
  if (whole.size === 0) return adapters;
  return adapters.map((adapter) =>
    adapter.families.length === 0
      ? adapter
      : { ...adapter, modules: stackParts(adapter.name, adapter.modules.values(), family, (name) => whole.has(name)) },
  );
}

/** The families that all adapters of known families may belong to. */
export function commonFamilies(adapters: readonly Pick<Adapter, "families">[]): readonly string[] {
  const [first, ...others] = adapters.map(({ families }) => families).filter((families) => families.length > 0);
  return first?.filter((id) => others.every((families) => families.includes(id))) ?? [];
}

/** The weights that an adapter has whole although some programs split them. */
function wholeWeights({ modules }: Adapter, family: Family): string[] {
  const parts = new Map<string, string[]>();
  const whole: string[] = [];
  for (const { name } of modules.values()) {
    const place = placeOf(family, name);
    if (place === null || place.weight.parts.length === 0) continue;
    if (place.part === null) whole.push(name);
    else parts.set(wholeName(place), [...(parts.get(wholeName(place)) ?? []), name]);
  }
  for (const [name, own] of parts) {
    if (own.length > 1 && sharesFactor(own.map((part) => modules.get(part)!))) whole.push(name);
  }
  return whole;
}
