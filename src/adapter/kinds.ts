import { RefusedError } from "../core/errors.ts";
import { kindTitle, type ModuleKind } from "../core/module-kind.ts";
import type { AdapterModule } from "./read-adapter.ts";

/** Which kinds are accepted. All are named, so that a new kind does not compile until all code that handles modules decides on it. */
export type Kinds = Readonly<Record<ModuleKind, boolean>>;

/** Kinds whose units are the rows of two matrices, whatever the stored shapes of their factors. */
export const MATRIX_KINDS: Kinds = { linear: true, embedding: true, conv: true };

/**
 * Refuse modules of a kind that is not accepted or not known.
 *
 * @param name of the adapter
 * @param what what would hold them, for messages, such as "MLX files"
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
      `${name}: ${module.name} is ${kindTitle(module.kind)}, which ${what} cannot hold; leave it out with lora-lego merge --exclude ${module.name}.`,
    );
  }
}
