import { RefusedError, UsageError } from "../core/errors.ts";
import type { Method } from "../methods/method.ts";
import type { MergeParts } from "./plan-parts.ts";

/** Refuse adapters that a method's `needs` rule out. */
export function refuseUnmet({ id, needs }: Method, { adapters, used, modules }: MergeParts): void {
  if (needs.adapters !== undefined && used.length !== needs.adapters) {
    throw new UsageError(
      `${id} merges ${needs.adapters} adapters, but ${used.length} ${used.length === 1 ? "is" : "are"} given; pass ${needs.adapters}, or choose another method.`,
    );
  }
  if (!needs.equalRanks) return;
  for (const { name, parts } of modules) {
    const [first] = parts;
    const other = parts.find(({ module }) => module.rank !== first!.module.rank);
    if (other === undefined) continue;
    const [one, two] = [first!, other].map(({ input, module }) => `${module.rank} in ${adapters[input]!.name}`);
    throw new RefusedError(
      `${id} needs adapters of equal rank, but ${name} has rank ${one} and ${two}; bring them to one rank first, or choose a method that takes any, such as svd.`,
    );
  }
}
