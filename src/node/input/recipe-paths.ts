import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { shellPath } from "../../core/shell-word.ts";
import type { ParsedRecipe } from "../../recipe/recipe-file.ts";
import { isRemotePath } from "../../remote/remote-path.ts";
import { withoutSecrets } from "../../remote/web/web-path.ts";

/**
 * The folder that a recipe's adapters lie in: its own; or else, as for the recipe in a merged folder, the one around that or the current
 * one, if all are there.
 */
export function folderOfAdapters({ steps }: ParsedRecipe, home: string): string {
  const paths = steps.flatMap(({ adapters }) => adapters.flatMap((source) => ("path" in source ? source.path : [])));
  const local = paths.filter((path) => !isRemotePath(path));
  const holdsAll = (folder: string): boolean => local.every((path) => existsSync(resolve(folder, path)));
  return [home, dirname(home), process.cwd()].find(holdsAll) ?? home;
}

/** Where an adapter of a recipe is. @throws UsageError if it is not there */
export function existing(
  recipe: ParsedRecipe,
  file: string,
  from: string,
  path: string,
  step: number,
  adapter: number,
): string {
  if (isRemotePath(path)) return withoutSecrets(path);
  const full = resolve(from, path);
  if (existsSync(full)) return full;
  throw new UsageError(
    `${recipe.placeOfAdapter(step, adapter)}: there is no file or folder ${path} in ${from}; correct the path, or say where the adapters are: lora-lego run ${shellPath(file)} --adapters DIR --out OUT.`,
  );
}
