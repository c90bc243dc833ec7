import { DENOISERS } from "../../families/families.ts";
import type { Family } from "../../families/family.ts";
import type { Adapter, AdapterModule } from "../adapter.ts";
import { spelled } from "../names/beginnings.ts";
import { namingOf } from "../names/naming.ts";
import { addModule } from "../plain-adapter.ts";
import { refuseDoubled } from "./whole.ts";

/**
 * An adapter whose names stand as in its file (PEFT's folders, and files that several families fit), under the names of one of some
 * families; unchanged where they do not have all of its modules, or where its family is known.
 *
 * @throws FormatError where two of its modules are one, RefusedError where one is part of another
 */
export function inFamily<A extends Pick<Adapter, "name" | "families" | "modules" | "metadata">>(
  adapter: A,
  among: readonly Family[] = DENOISERS,
): A {
  if (adapter.families.length > 0) return adapter;
  const found = [...adapter.modules.values()];
  // The names alone could be another kind of model's, unless they are wanted in a family that others of the merge have.
  const bare = among === DENOISERS && found.every(({ name }) => spelled(name)?.beginning === "");
  const { families, placed } = namingOf(found, adapter.metadata, among, bare);
  if (families.length === 0) return adapter;
  const modules = new Map<string, AdapterModule>();
  for (const module of found) addModule(adapter.name, modules, placed(module));
  refuseDoubled(adapter.name, modules, families[0]!);
  return { ...adapter, modules, families: families.map(({ id }) => id) };
}
