import { existsSync } from "node:fs";
import { join } from "node:path";
import { LoraLegoError } from "../../core/errors.ts";
import { parseRecipe } from "../../recipe/recipe-file.ts";
import { RECIPE_FILE } from "../../recipe/recipe-text.ts";
import { readText } from "../files/read-text.ts";
import type { DiskAdapter } from "./adapter-path.ts";
import { placeOf } from "./recorded-inputs.ts";

/** The adapters that a merge in a folder was made of, as its recipe.yaml names them; empty where it says nothing. */
export async function partsOf(folder: string | null): Promise<string[]> {
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

/** What to know of each merge that meets an adapter that it was made of, one sentence, by its position. */
export async function partsAgain(opened: readonly DiskAdapter[]): Promise<ReadonlyMap<number, string>> {
  const adapters = opened.map(({ adapter }) => adapter);
  const notes = new Map<number, string>();
  for (const [t, { adapter, folder }] of opened.entries()) {
    const parts = await partsOf(folder);
    const again = parts.flatMap((path) => adapters[placeOf(path, adapters)] ?? []).filter((own) => own !== adapter);
    if (parts.length < 2 || again.length === 0) continue;
    const names = again.map(({ name }) => name).join(", ");
    notes.set(
      t,
      `${adapter.name} was made of ${parts.join(", ")} (its recipe.yaml), so ${names} ${again.length === 1 ? "counts" : "count"} twice; merge the adapters themselves, with --weights for more of one.`,
    );
  }
  return notes;
}
