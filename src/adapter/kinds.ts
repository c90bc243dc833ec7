import { RefusedError } from "../core/errors.ts";
import type { AdapterModule, ModuleKind } from "./adapter.ts";

/** Which kinds someone takes. Each is named, so that a new kind does not compile until all who handle modules say what they make of it. */
export type Kinds = Readonly<Record<ModuleKind, boolean>>;

/** Kinds whose units are the rows of two matrices, whatever the shapes that their factors are stored in. */
export const MATRIX_KINDS: Kinds = { linear: true, embedding: true, conv: true };

const TITLES: Readonly<Record<ModuleKind, string>> = {
  linear: "a linear layer",
  embedding: "an embedding",
  conv: "a convolution",
};

/**
 * Refuse modules of a kind that is not taken, or that nobody has heard of.
 *
 * @param name of the adapter
 * @param what who would take them, for messages, as "MLX files"
 */
export function refuseKinds(
  name: string,
  modules: Iterable<Pick<AdapterModule, "kind" | "name">>,
  kinds: Kinds,
  what: string,
): void {
  for (const module of modules) {
    if (Object.hasOwn(kinds, module.kind) && kinds[module.kind]) continue;
    throw new RefusedError(
      `${name}: ${module.name} is ${titleOf(module.kind)}, which ${what} cannot hold; leave it out with lora-lego merge --exclude ${module.name}.`,
    );
  }
}

/** What a module's kind decides, all kinds named. @throws RefusedError for a kind that is not among them */
export function forKind<T>(kind: ModuleKind, cases: Readonly<Record<ModuleKind, T>>): T {
  if (Object.hasOwn(cases, kind)) return cases[kind];
  throw new RefusedError(`A module is ${titleOf(kind)}, which lora-lego does not know; leave it out with --exclude.`);
}

function titleOf(kind: ModuleKind): string {
  return Object.hasOwn(TITLES, kind) ? TITLES[kind] : `of kind "${kind}"`;
}

/**
 * The shapes of A and B as PEFT, kohya and diffusers store them: (r, in) and (out, r); of convolutions (r, channels, ...kernel) and
 * (out, r, 1...).
 */
export function factorShapes({
  kind,
  rank,
  out,
  inputShape,
}: Pick<AdapterModule, "kind" | "rank" | "out" | "inputShape">): { readonly a: number[]; readonly b: number[] } {
  const flat = { a: [rank, ...inputShape], b: [out, rank] };
  return forKind(kind, {
    linear: flat,
    embedding: flat,
    conv: { a: flat.a, b: [...flat.b, ...inputShape.slice(1).fill(1)] },
  });
}
