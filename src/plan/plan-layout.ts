import { layoutWeights, type StoredModule, storedFactors } from "../formats/peft-folder/factors.ts";
import { factorPlaces, type Range, sliceOf } from "../formats/peft-folder/places.ts";
import type { SafetensorsLayout } from "../formats/safetensors/layout.ts";
import type { MergePlan } from "./merge-plan.ts";
import type { UnplacedModule } from "./plan-memory.ts";

/** What a merge writes, with or without a place in the output yet. */
interface Written extends Pick<MergePlan, "zeros" | "dtype"> {
  readonly modules: readonly UnplacedModule[];
  readonly extras: MergePlan["extras"];
}

/** The output file's header and the place of each tensor. */
export function planLayout({ modules, zeros, extras, dtype }: Written): SafetensorsLayout {
  const beside = extras.map(({ key, dtype: own, shape }) => ({ name: key, dtype: own, shape }));
  return layoutWeights([...modules, ...zeros], dtype, beside);
}

/** Assign places in the output file. */
export function planPlaces(written: Written): Pick<MergePlan, "modules" | "extras" | "size"> {
  const layout = planLayout(written);
  const { tensors, size } = layout;
  const place = (key: string): Range => {
    const { begin, end } = tensors.get(key)!;
    return { begin, end };
  };
  const places = factorPlaces([...written.modules, ...written.zeros], layout);
  return {
    modules: written.modules.map((module) => ({ ...module, ...places.get(module.name)! })),
    extras: written.extras.map((extra) => ({ ...extra, ...place(extra.key) })),
    size,
  };
}

/** Byte ranges of the output that no module fills: factors of zeros, and those of experts that no adapter has. */
export function zeroRanges(plan: Pick<MergePlan, "modules" | "zeros" | "extras" | "dtype">): Range[] {
  const { tensors } = planLayout(plan);
  const filled = new Map(plan.modules.map(({ name, a }) => [name, a]));
  return storedFactors<StoredModule>([...plan.modules, ...plan.zeros]).flatMap(({ modules, a, b }) => {
    const [whole, other] = [tensors.get(a.name)!, tensors.get(b.name)!];
    const [first] = modules as [StoredModule];
    if (!filled.has(first.name)) return [whole, other];
    const begins = new Set(modules.map(({ name }) => filled.get(name)!.begin));
    const { experts = 1, stacked = false } = first.parameter ?? {};
    const missing = Array.from({ length: experts }, (_, e) => e).filter(
      (e) => !begins.has(sliceOf(whole, e, experts).begin),
    );
    // Where they are not stacked, B is written whole.
    return missing.flatMap((e) => (stacked ? [whole, other] : [whole]).map((range) => sliceOf(range, e, experts)));
  });
}
