import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type RandomShape, randomAdapter, tempFolder, writeAdapter } from "./pico.ts";

/** Names of the modules of the adapters that queues are tested with, and their sizes. */
export const NAMES: readonly string[] = Array.from({ length: 12 }, (_, i) => `layers.${i}.q_proj`);
export const SHAPE: RandomShape = {
  modules: Object.fromEntries(NAMES.map((name) => [name, { in: 24, out: 20 }])),
  rank: 4,
};

/** Three adapters in a folder of their own. */
export function queueInputs(): { readonly folder: string; readonly paths: readonly string[] } {
  const folder = tempFolder();
  const paths = [0, 1, 2].map((seed) => writeAdapter(join(folder, `a${seed}`), randomAdapter(seed, SHAPE)));
  return { folder, paths };
}

/** Every file of a folder, with its bytes. */
export function contents(folder: string): [string, string][] {
  const names = readdirSync(folder).sort();
  return names.map((name) => [name, readFileSync(join(folder, name)).toString("base64")]);
}
