import { layoutWeights, peftKey } from "../formats/peft-folder/factors.ts";
import type { SafetensorsLayout } from "../formats/safetensors/layout.ts";
import type { MergePlan, PlannedModule } from "./merge-plan.ts";

/** What a merge writes, with or without a place in the output yet. */
interface Written extends Pick<MergePlan, "zeros" | "dtype"> {
  readonly modules: readonly Omit<PlannedModule, "a" | "b">[];
  readonly extras: MergePlan["extras"];
}

/** The output file's header and the place of each tensor. */
export function planLayout({ modules, zeros, extras, dtype }: Written): SafetensorsLayout {
  const beside = extras.map(({ key, dtype: own, shape }) => ({ name: key, dtype: own, shape }));
  return layoutWeights([...modules, ...zeros], dtype, beside);
}

/** Assign places in the output file. */
export function planPlaces(written: Written): Pick<MergePlan, "modules" | "extras" | "size"> {
  const { tensors, size } = planLayout(written);
  const place = (key: string) => {
    const { begin, end } = tensors.get(key)!;
    return { begin, end };
  };
  return {
    modules: written.modules.map((module) => ({
      ...module,
      a: place(peftKey(module, "A")),
      b: place(peftKey(module, "B")),
    })),
    extras: written.extras.map((extra) => ({ ...extra, ...place(extra.key) })),
    size,
  };
}
