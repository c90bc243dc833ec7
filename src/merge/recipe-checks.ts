import { UsageError } from "../core/errors.ts";
import { plural } from "../core/plural.ts";
import { nearest } from "../core/suggest.ts";
import type { DataPath, PlacedYaml } from "../formats/yaml/placed-yaml.ts";
import type { Method, Zod } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { checkTarget } from "./check-target.ts";
import { modulePattern } from "./module-pattern.ts";
import type { FileData, MergeData } from "./recipe-schema.ts";

/** Says where in a file something is wrong. */
type Fail = (path: DataPath, why: string) => never;

/** Keys of a file that are not of a single merge. */
const OF_THE_FILE = ["steps", "out", "report"];

/**
 * Check what a schema cannot say of a recipe file: what excludes each other, and what steps call each other.
 *
 * @throws UsageError with the place
 */
export function checkFile(file: FileData, yaml: PlacedYaml): void {
  const fail: Fail = (path, why) => {
    throw yaml.mistakeOfKey(path, why);
  };
  if (file.steps === undefined) {
    if (file.adapters === undefined) fail([], "adapters is missing; list the adapters to merge, as [math, med].");
    checkMerge(file, [], new Map(), fail);
    return;
  }
  const stray = Object.keys(file).find((key) => !OF_THE_FILE.includes(key));
  if (stray !== undefined) fail([stray], `${stray} stands beside steps; move it into the step that it is for.`);
  const earlier = new Map<string, boolean>();
  for (const [i, step] of file.steps.entries()) {
    const path = ["steps", i];
    if (step.adapters === undefined) fail(path, `adapters is missing in ${step.name}; list the adapters to merge.`);
    if (earlier.has(step.name)) fail([...path, "name"], `there is a step ${step.name} already; choose another name.`);
    checkMerge(step, path, earlier, fail);
    earlier.set(step.name, false);
  }
  const unused = file.steps.findIndex(({ name }, i) => i < file.steps!.length - 1 && !earlier.get(name));
  if (unused < 0) return;
  const { name } = file.steps[unused]!;
  fail(
    ["steps", unused, "name"],
    `no later step takes the result of ${name}; add { step: ${name} } to one, or remove it.`,
  );
}

/** Check the same of one merge of a number of adapters, at its place in a file. @throws UsageError with the place */
export function checkMergeOf(count: number, merge: MergeData, yaml: PlacedYaml, path: DataPath): void {
  const fail: Fail = (at, why) => {
    throw yaml.mistakeOfKey(at, why);
  };
  checkSettings(count, merge, path, fail);
}

/** @param earlier names of the steps above, and whether one took their result; marked here */
function checkMerge(merge: MergeData, path: DataPath, earlier: Map<string, boolean>, fail: Fail): void {
  for (const [t, adapter] of merge.adapters!.entries()) {
    if (typeof adapter === "string" || !("step" in adapter)) continue;
    if (!earlier.has(adapter.step)) {
      const meant = nearest(adapter.step, [...earlier.keys()]);
      const way = meant === null ? "name a step above, or a path." : `did you mean ${meant}?`;
      fail([...path, "adapters", t, "step"], `there is no step ${adapter.step} above this one; ${way}`);
    }
    earlier.set(adapter.step, true);
  }
  checkSettings(merge.adapters!.length, merge, path, fail);
}

/** What does not depend on which adapters are merged, only on how many. */
function checkSettings(count: number, merge: MergeData, path: DataPath, fail: Fail): void {
  checkRank(merge, path, fail);
  refuseNegative(merge, path, fail);
  for (const field of ["include", "exclude"] as const) {
    for (const [i, pattern] of (merge[field] ?? []).entries()) {
      placed([...path, field, i], fail, () => modulePattern(pattern));
    }
  }
  for (const [i, { match, weights }] of (merge.moduleWeights ?? []).entries()) {
    const at = [...path, "moduleWeights", i];
    placed([...at, "match"], fail, () => modulePattern(match));
    if (weights.length === count) continue;
    const numbers = `${plural(count, "adapter")} but ${plural(weights.length, "weight")}`;
    fail([...at, "weights"], `there are ${numbers} for ${match}; give one weight for each adapter, in their order.`);
  }
}

/** Relative weights are none below 0. */
function refuseNegative({ method, adapters = [], moduleWeights = [] }: MergeData, path: DataPath, fail: Fail): void {
  const { id, weights } = methodById(method ?? "lego");
  if (weights !== "relative") return;
  const why = (weight: number): string =>
    `weights of ${id} are relative and cannot be negative, as ${weight} is; to subtract an adapter use method: cat.`;
  for (const [t, adapter] of adapters.entries()) {
    const weight = typeof adapter === "string" ? 1 : (adapter.weight ?? 1);
    if (weight < 0) fail([...path, "adapters", t, "weight"], why(weight));
  }
  for (const [i, { weights: own }] of moduleWeights.entries()) {
    const t = own.findIndex((weight) => weight < 0);
    if (t >= 0) fail([...path, "moduleWeights", i, "weights", t], why(own[t]!));
  }
}

function checkRank({ rank, keep, energy }: MergeData, path: DataPath, fail: Fail): void {
  const given = Object.entries({ rank, keep, energy }).filter(([, value]) => value !== undefined);
  const [first, second] = given.map(([key]) => key);
  if (second !== undefined) fail([...path, second], `${second} and ${first} exclude each other; keep one of them.`);
  if (keep !== undefined) placed([...path, "keep"], fail, () => checkTarget({ kind: "share", share: keep }));
  if (energy !== undefined) placed([...path, "energy"], fail, () => checkTarget({ kind: "energy", ...energy }));
}

/** Give an error of `check` its place. */
function placed(path: DataPath, fail: Fail, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    fail(path, error.message);
  }
}

/**
 * Check a method's options by its schema.
 *
 * @param path of the options
 * @throws UsageError with the place
 */
export function checkOptions(
  z: Zod,
  method: Method,
  options: Readonly<Record<string, unknown>>,
  yaml: PlacedYaml,
  path: DataPath,
): void {
  const known = Object.keys(method.defaults as object);
  const strange = Object.keys(options).find((name) => !known.includes(name));
  if (strange !== undefined) {
    const meant = nearest(strange, known);
    const there = known.length === 0 ? "it has none" : `its options are ${known.join(", ")}`;
    throw yaml.mistakeOfKey(
      [...path, strange],
      `${method.id} has no option ${JSON.stringify(strange)}; ${meant === null ? `${there}.` : `did you mean ${meant}?`}`,
    );
  }
  const parsed = method.schema(z).safeParse(options);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  const name = String(issue!.path[0]);
  const why = issue!.message.replace(/^[A-Z]/, (letter) => letter.toLowerCase());
  throw yaml.mistake([...path, name], `${name} is ${JSON.stringify(options[name])}: ${why}.`);
}
