import { RefusedError } from "./errors.ts";

/** How a module applies its delta; decides the key names and shapes of its factors. */
export type ModuleKind = "linear" | "embedding" | "conv";

const TITLES: Readonly<Record<ModuleKind, string>> = {
  linear: "a linear layer",
  embedding: "an embedding",
  conv: "a convolution",
};

/** The name of a kind in messages. */
export function kindTitle(kind: ModuleKind): string {
  return Object.hasOwn(TITLES, kind) ? TITLES[kind] : `of kind "${kind}"`;
}

/** The case for a module's kind, with all kinds listed. @throws RefusedError for an unknown kind */
export function forKind<T>(kind: ModuleKind, cases: Readonly<Record<ModuleKind, T>>): T {
  if (Object.hasOwn(cases, kind)) return cases[kind];
  throw new RefusedError(`A module is ${kindTitle(kind)}, which lora-lego does not know; leave it out with --exclude.`);
}
