import { RefusedError } from "./errors.ts";

/** How a module applies its delta; decides the key names and shapes of its factors. */
export type ModuleKind = "linear" | "embedding" | "conv";

const TITLES: Readonly<Record<ModuleKind, string>> = {
  linear: "a linear layer",
  embedding: "an embedding",
  conv: "a convolution",
};

/** What messages call a kind. */
export function kindTitle(kind: ModuleKind): string {
  return Object.hasOwn(TITLES, kind) ? TITLES[kind] : `of kind "${kind}"`;
}

/** What a module's kind decides, all kinds named. @throws RefusedError for a kind that is not among them */
export function forKind<T>(kind: ModuleKind, cases: Readonly<Record<ModuleKind, T>>): T {
  if (Object.hasOwn(cases, kind)) return cases[kind];
  throw new RefusedError(`A module is ${kindTitle(kind)}, which lora-lego does not know; leave it out with --exclude.`);
}
