import type { Adapter } from "../../adapter/adapter.ts";
import { isRemotePath, remoteName } from "../../remote/remote-path.ts";
import { hashFiles } from "../files/hash.ts";

/** An adapter that a recipe or report names; the hash of its weights where one is recorded. */
export interface RecordedInput {
  readonly name: string;
  readonly sha256: string | null;
}

/**
 * The position of the adapter that each name means, or that each hash is of, which copies under other names have; -1 if there is none. Each
 * adapter is that of one name, so that one that counts twice has to be there twice.
 */
export async function placesOf(inputs: readonly RecordedInput[], adapters: readonly Adapter[]): Promise<number[]> {
  const places = inputs.map(() => -1);
  const match = (fits: (input: RecordedInput, adapter: Adapter, t: number) => boolean): void => {
    for (const [n, input] of inputs.entries()) {
      if (places[n] === -1) places[n] = adapters.findIndex((own, t) => !places.includes(t) && fits(input, own, t));
    }
  };
  match(({ name }, adapter) => isNamed(name, adapter));
  match(({ name }, adapter) => endsAlike(name, adapter));
  if (!places.includes(-1) || inputs.every(({ sha256 }) => sha256 === null)) return places;
  const hashes = await hashesOf(adapters);
  match(({ sha256 }, _, t) => sha256 !== null && hashes[t] === sha256);
  return places;
}

/**
 * The adapters whose weights are others than those that were recorded under their names.
 *
 * @param places from `placesOf`
 */
export async function otherFiles(
  inputs: readonly RecordedInput[],
  places: readonly number[],
  adapters: readonly Adapter[],
): Promise<Adapter[]> {
  if (inputs.every(({ sha256 }) => sha256 === null)) return [];
  const hashes = await hashesOf(adapters);
  return inputs.flatMap(({ sha256 }, n) => {
    const own = hashes[places[n]!] ?? null;
    return sha256 === null || own === null || own === sha256 ? [] : adapters[places[n]!]!;
  });
}

/** SHA-256 of the adapters' weights; null for those that are not on this machine. */
async function hashesOf(adapters: readonly Adapter[]): Promise<(string | null)[]> {
  const hashes: (string | null)[] = [];
  for (const { files } of adapters) {
    const paths = files.flatMap((file) => ("path" in file ? String(file.path) : []));
    hashes.push(paths.length > 0 && paths.length === files.length ? await hashFiles(paths) : null);
  }
  return hashes;
}

/** The position of the adapter that a recipe or report means; -1 if there is none. */
export function placeOf(path: string, adapters: readonly Adapter[]): number {
  const exact = adapters.findIndex((adapter) => isNamed(path, adapter));
  return exact >= 0 ? exact : adapters.findIndex((adapter) => endsAlike(path, adapter));
}

function isNamed(path: string, { name }: Adapter): boolean {
  return name === nameOf(path);
}

/** Whether a path and an adapter's name are the same where both say something. */
function endsAlike(path: string, adapter: Adapter): boolean {
  // Adapters of one name are numbered, and what was converted from a folder is a file of its name.
  const [name, own] = [adapter.name.replace(/ \(\d+\)$/, ""), nameOf(path)].map(withoutEnd) as [string, string];
  return `/${own}`.endsWith(`/${name}`) || name.endsWith(`/${own}`);
}

function withoutEnd(name: string): string {
  return name.replace(/\.(?:safetensors|gguf)$/, "");
}

function nameOf(path: string): string {
  return isRemotePath(path) ? remoteName(path) : path;
}

/** Whether the places are those of all adapters, each once. */
export function isPermutation(places: readonly number[], count: number): boolean {
  return places.length === count && new Set(places).size === count && !places.includes(-1);
}
