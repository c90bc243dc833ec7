import { RefusedError } from "../core/errors.ts";
import { mostUnits } from "../methods/module-memory.ts";
import { METHODS } from "../methods/registry.ts";
import type { MethodRun } from "../methods/run-module.ts";
import type { Scale } from "../recipe/recipe.ts";
import { isStreamed, MAX_UNITS, refuseTooManyUnits, unitsOf } from "../units/memory.ts";
import type { RankedModule } from "./plan-ranks.ts";

/** What a merge asks for, as far as it may need the inner products of all pairs of a module's units. */
interface Asked extends Pick<MethodRun, "method" | "options" | "after"> {
  readonly budget: boolean;
  readonly scale: Scale;
}

/**
 * Refuse modules whose units are too many for a matrix of all pairs where the merge needs one.
 *
 * @throws RefusedError naming the module, its units, what needs the matrix, and what does not
 */
export function refuseAllPairs(modules: readonly RankedModule[], asked: Asked): void {
  for (const module of modules) {
    const parts = module.parts.map((part) => part.module);
    if (!isStreamed(parts)) continue;
    const large = parts.find(({ rank }) => rank > MAX_UNITS);
    if (large !== undefined) refuseTooManyUnits(module.name, [large]);
    const reason = needsAllPairs(module, asked);
    if (reason === null) continue;
    throw new RefusedError(
      `${module.name} has ${unitsOf(parts)} units over all adapters, and beyond ${MAX_UNITS} ${reason}, or merge fewer adapters at a time and then the results.`,
    );
  }
}

/** What cannot be done with so many units, and what can; null if all can. */
function needsAllPairs(module: RankedModule, { method, options, after, budget, scale }: Asked): string | null {
  if (method.many === undefined) {
    const able = METHODS.filter(({ many }) => many !== undefined).map(({ id }) => id);
    return `${method.id} would compare too many pairs of them; take a --method that compares none (${able.join(", ")})`;
  }
  const choice = method.many.refuses?.(options) ?? null;
  if (choice !== null) return `${choice} would compare too many pairs of them; leave that out`;
  const why = budget
    ? "a budget"
    : module.target.kind === "energy"
      ? "a rank by singular values"
      : after !== null
        ? `--after ${after}`
        : scale === "auto"
          ? "a computed factor (--scale auto)"
          : null;
  if (why !== null) return `${why} would compare too many pairs of them; leave that out`;
  const ranks = module.parts.map((part) => part.module.rank);
  const rank = mostUnits(method, module.target, { ...module, ranks });
  return rank > MAX_UNITS ? `a result of ${rank} would be too large; pass a smaller --rank` : null;
}
