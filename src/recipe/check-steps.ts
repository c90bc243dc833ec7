import { nearest } from "../core/suggest.ts";
import type { DataPath, PlacedYaml } from "../formats/yaml/placed-yaml.ts";
import type { FileData, MergeData } from "./recipe-schema.ts";

/** One merge of a file that names its adapters, and what later steps call it. */
type NamedMerge = MergeData & { readonly adapters: NonNullable<MergeData["adapters"]>; readonly name?: string };

/**
 * The merges of a recipe file and their places, after the checks that a schema cannot express: each merge has adapters, no other key is
 * next to steps, and step names are unique and used.
 *
 * @throws UsageError with the place
 */
export function mergesOf(
  { steps, out: _, to: __, report: ___, ...single }: FileData,
  yaml: PlacedYaml,
): { readonly merge: NamedMerge; readonly path: DataPath }[] {
  if (steps === undefined) {
    if (!hasAdapters(single)) {
      throw yaml.mistakeOfKey([], "adapters is missing; list the adapters to merge, such as [math, med].");
    }
    markSteps(single, [], new Map(), yaml);
    return [{ merge: single, path: [] }];
  }
  const [stray] = Object.keys(single);
  if (stray !== undefined) {
    throw yaml.mistakeOfKey([stray], `${stray} is next to steps; move it into the step that it belongs to.`);
  }
  const earlier = new Map<string, boolean>();
  const merges = steps.map((step, i) => {
    const path = ["steps", i];
    if (!hasAdapters(step)) {
      throw yaml.mistakeOfKey(path, `adapters is missing in ${step.name}; list the adapters to merge.`);
    }
    if (earlier.has(step.name)) {
      throw yaml.mistakeOfKey([...path, "name"], `there is already a step ${step.name}; choose another name.`);
    }
    markSteps(step, path, earlier, yaml);
    earlier.set(step.name, false);
    return { merge: step, path };
  });
  const unused = steps.findIndex(({ name }, i) => i < steps.length - 1 && !earlier.get(name));
  if (unused < 0) return merges;
  const { name } = steps[unused]!;
  throw yaml.mistakeOfKey(
    ["steps", unused, "name"],
    `no later step takes the result of ${name}; add { step: ${name} } to one, or remove it.`,
  );
}

function hasAdapters<Merge extends MergeData>(merge: Merge): merge is Merge & NamedMerge {
  return merge.adapters !== undefined;
}

/** @param earlier names of the steps above, and whether a later step uses their result; marked here */
function markSteps({ adapters }: NamedMerge, path: DataPath, earlier: Map<string, boolean>, yaml: PlacedYaml): void {
  for (const [t, adapter] of adapters.entries()) {
    if (typeof adapter === "string" || !("step" in adapter)) continue;
    if (!earlier.has(adapter.step)) {
      const meant = nearest(adapter.step, [...earlier.keys()]);
      const way = meant === null ? "name a step above, or a path." : `did you mean ${meant}?`;
      const at = [...path, "adapters", t, "step"];
      throw yaml.mistakeOfKey(at, `there is no step ${adapter.step} above this one; ${way}`);
    }
    earlier.set(adapter.step, true);
  }
}
