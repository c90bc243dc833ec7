import { UsageError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import { BUILT_IN_METHODS } from "./built-in.ts";
import { checkMethod } from "./check-method.ts";
import { guarded } from "./guarded.ts";
import type { Method } from "./method.ts";

const methods = Object.values(BUILT_IN_METHODS) as Method[];
/** The modules that register methods from outside; null for methods registered without one. */
const modules = new Map<string, string | null>();

/** All merge methods: LEGO first, methods from outside last, in order of registration. */
export const METHODS: readonly Method[] = methods;

/**
 * The method of this id.
 *
 * @throws UsageError naming the known ids
 * @example
 * ```ts
 * import { methodById } from "lora-lego";
 *
 * console.log(methodById("cat").title); // Concatenation (exact sum)
 * ```
 */
export function methodById(id: string): Method {
  const method = METHODS.find((candidate) => candidate.id === id);
  if (method === undefined) {
    const ids = METHODS.map((known) => known.id);
    const meant = nearest(id, ids);
    const way = meant === null ? `choose one of ${ids.join(", ")}.` : `did you mean ${meant}?`;
    throw new UsageError(`There is no method "${id}"; ${way}`);
  }
  return method;
}

/** How a method is registered. */
export interface RegisterOptions {
  /**
   * URL of the module that registers the method when it is imported: `import.meta.url` there. Worker threads import it, so they have
   * the method too. Without it, merges by the method run only on the thread that registered it.
   */
  readonly module?: string | URL;
}

/**
 * Make a method known under its id, until the process ends: to `makePlan` and every merge, recipe files, comparisons, `METHODS` and
 * `methodById`.
 *
 * @returns the method as it is known, its results looked at before they are used
 * @throws UsageError if the id is taken, a field is missing or has an unknown word, or a parameter contradicts itself
 * @example
 * ```ts
 * import { defineMethod, METHODS, methodById, registerMethod } from "lora-lego";
 *
 * const { merge, ...facts } = methodById("cat");
 * registerMethod(defineMethod({ ...facts, id: "cat_again", parameters: {}, merge: (pool, request) => merge(pool, request) }));
 * console.log(METHODS.at(-1)?.id); // cat_again
 * ```
 */
export function registerMethod<Options>(method: Method<Options>, { module }: RegisterOptions = {}): Method<Options> {
  checkMethod(method as Method);
  const { id } = method;
  if (methods.some((known) => known.id === id)) {
    throw new UsageError(`There is already a method "${id}"; register yours once, under an id of its own.`);
  }
  if (module !== undefined && !URL.canParse(module)) {
    throw new UsageError(`The module of the method ${id} is "${module}", which is not a URL; pass import.meta.url.`);
  }
  modules.set(id, module === undefined ? null : String(module));
  const known = guarded(method as Method);
  methods.push(known);
  return known as Method<Options>;
}

/**
 * What a worker thread must import for a method: undefined if it has it anyway, null if it cannot have it.
 */
export function moduleOf(id: string): string | null | undefined {
  return modules.get(id);
}
