import type { Adapter } from "../../adapter/adapter.ts";
import { hubName, isHubPath, parseHubPath } from "../../hub/hub-path.ts";
import { hashFiles } from "../files/hash.ts";

/** An adapter that a recipe or report names; the hash of its weights where one is recorded. */
export interface RecordedInput {
  readonly name: string;
  readonly sha256: string | null;
}

/** The position of the adapter that each name means, or that each hash is of, which copies under other names have; -1 if there is none. */
export async function placesOf(inputs: readonly RecordedInput[], adapters: readonly Adapter[]): Promise<number[]> {
  const named = inputs.map(({ name }) => placeOf(name, adapters));
  if (!named.includes(-1) || inputs.every(({ sha256 }) => sha256 === null)) return named;
  const hashes: (string | null)[] = [];
  for (const { files } of adapters) {
    const paths = files.flatMap((file) => ("path" in file ? String(file.path) : []));
    hashes.push(paths.length > 0 && paths.length === files.length ? await hashFiles(paths) : null);
  }
  return inputs.map(({ sha256 }, n) => (named[n]! >= 0 || sha256 === null ? named[n]! : hashes.indexOf(sha256)));
}

/** The position of the adapter that a recipe or report means; -1 if there is none. */
export function placeOf(path: string, adapters: readonly Adapter[]): number {
  const name = isHubPath(path) ? hubName(parseHubPath(path)) : path;
  const exact = adapters.findIndex((adapter) => adapter.name === name);
  if (exact >= 0) return exact;
  return adapters.findIndex((adapter) => `/${name}`.endsWith(`/${adapter.name}`) || adapter.name.endsWith(`/${name}`));
}

/** Whether the places are those of all adapters, each once. */
export function isPermutation(places: readonly number[], count: number): boolean {
  return places.length === count && new Set(places).size === count && !places.includes(-1);
}
