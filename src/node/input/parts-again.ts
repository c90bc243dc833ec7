import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { LoraLegoError } from "../../core/errors.ts";
import { shellPath } from "../../core/shell-word.ts";
import { parseRecipe } from "../../recipe/recipe-file.ts";
import { RECIPE_FILE } from "../../recipe/recipe-text.ts";
import { isRemotePath } from "../../remote/remote-path.ts";
import { nearPath } from "../files/near-path.ts";
import { readText } from "../files/read-text.ts";
import type { DiskAdapter } from "./adapter-path.ts";
import { placeOf } from "./recorded-inputs.ts";

/** The adapters that a merge in a folder was made of, as its recipe.yaml names them; empty where it says nothing. */
async function partsOf(folder: string | null): Promise<string[]> {
  if (folder === null || !existsSync(join(folder, RECIPE_FILE))) return [];
  try {
    const { steps } = await parseRecipe(readText(join(folder, RECIPE_FILE), { name: RECIPE_FILE }), RECIPE_FILE);
    return steps.flatMap(({ adapters }) => adapters.flatMap((source) => ("path" in source ? source.path : [])));
  } catch (error) {
    // It may be anybody's file of that name.
    if (error instanceof LoraLegoError) return [];
    throw error;
  }
}

/** The same as commands name them: from here, or beside the merge where they are there. */
export async function pathsOfParts(folder: string | null): Promise<string[]> {
  return (await partsOf(folder)).map((path) => {
    if (isThere(path)) return path;
    const beside = join(dirname(resolve(folder!)), path);
    return isThere(beside) ? nearPath(beside) : path;
  });
}

function isThere(path: string): boolean {
  return isRemotePath(path) || existsSync(path);
}

/** A merge that meets adapters that it was made of. */
export interface PartsAgain {
  /** What to know of it, one sentence. */
  readonly text: string;
  /** Whether all of its parts are there. */
  readonly whole: boolean;
}

/** Each merge among adapters that meets one that it was made of, by its position. */
export async function partsAgain(opened: readonly DiskAdapter[]): Promise<ReadonlyMap<number, PartsAgain>> {
  const adapters = opened.map(({ adapter }) => adapter);
  const found = new Map<number, PartsAgain>();
  for (const [t, { adapter, folder }] of opened.entries()) {
    const parts = await partsOf(folder);
    const again = parts.flatMap((path) => adapters[placeOf(path, adapters)] ?? []).filter((own) => own !== adapter);
    if (parts.length < 2 || again.length === 0) continue;
    const names = again.map(({ name }) => name).join(", ");
    const whole = again.length === parts.length;
    const paths = whole ? [] : await pathsOfParts(folder);
    const how = whole || !paths.every(isThere) ? "" : ` (lora-lego audit ${paths.map(shellPath).join(" ")} says how)`;
    const text = `${adapter.name} was made of ${parts.join(", ")} (its recipe.yaml), so ${names} ${again.length === 1 ? "counts" : "count"} twice; merge the adapters themselves${how}, with --weights for more of one.`;
    found.set(t, { text, whole });
  }
  return found;
}
