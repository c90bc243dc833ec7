import type { AdapterContents } from "./dialect.ts";
import { type Naming, namingOf } from "./names/naming.ts";
import { addModule } from "./plain-adapter.ts";
import type { AdapterModule, ReadAdapter } from "./read-adapter.ts";
import { shareFactors } from "./weights/share-factors.ts";
import { refuseDoubled } from "./weights/whole.ts";

/** The modules of an image model's file under their names here. */
interface NamedModules extends Pick<ReadAdapter, "families" | "modules">, Pick<Naming, "nameOfRows"> {}

/**
 * Name the modules of a file by its model's family, decided once for all of them.
 *
 * @param found modules under their names in the file
 * @throws FormatError where two of them are one, RefusedError where one is part of another
 */
export async function namedModules(
  { name, files, metadata }: Pick<AdapterContents, "name" | "files" | "metadata">,
  found: readonly AdapterModule[],
): Promise<NamedModules> {
  const naming = namingOf(found, metadata);
  const modules = new Map<string, AdapterModule>();
  for (const module of found) addModule(name, modules, naming.placed(module));
  const [family] = naming.families;
  if (family !== undefined) refuseDoubled(name, modules, family);
  return {
    families: naming.families.map(({ id }) => id),
    modules: family === undefined ? modules : await shareFactors(files, modules, family),
    nameOfRows: naming.nameOfRows,
  };
}
