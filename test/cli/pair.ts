import { join } from "node:path";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { run } from "./run.ts";

const root = tempFolder();

/** Two adapters that merge, of ranks 4 and 2. */
export const a: string = writeAdapter(join(root, "a"), randomAdapter(1, { rank: 4 }));
export const b: string = writeAdapter(join(root, "b"), randomAdapter(2, { rank: 2, config: { lora_alpha: 4, r: 2 } }));
/** A module of a's name, but of another size. */
export const odd: string = writeAdapter(
  join(root, "odd"),
  randomAdapter(3, { modules: { "layers.0.q_proj": { in: 3, out: 5 } } }),
);

/** What a command prints, as one line. */
export async function ended(args: readonly string[]): Promise<string> {
  return (await run(args)).stdout.replaceAll(/\s+/g, " ");
}

/** Where a test writes. */
export function fresh(): { folder: string; out: string } {
  const folder = tempFolder();
  return { folder, out: join(folder, "merged") };
}
