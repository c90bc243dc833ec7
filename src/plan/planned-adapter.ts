import type { Adapter } from "../adapter/adapter.ts";
import { openAdapter } from "../adapter/open.ts";
import { mergedMetadata } from "../adapter/training-metadata.ts";
import { commonFamilies } from "../adapter/weights/under-one-family.ts";
import { type ByteSource, memorySource } from "../core/bytes.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { RecipeStep } from "../recipe/recipe-file.ts";
import { withRecipe } from "../recipe/recipe-text.ts";
import { type MergePlan, usedInputs } from "./merge-plan.ts";
import { planLayout } from "./plan-layout.ts";

/**
 * The adapter that a plan will write, as far as headers show it, so that later steps can be planned from it.
 *
 * @param inputs the adapters that the plan was made for
 * @param steps of the recipe that its file is to hold; a folder has that in a file of its own
 */
export async function plannedAdapter(
  name: string,
  plan: MergePlan,
  inputs: readonly Adapter[],
  steps?: readonly RecipeStep[],
): Promise<Adapter> {
  const { header } = planLayout(plan);
  const weights: ByteSource = {
    name: `${name}/${WEIGHTS_FILE}`,
    size: plan.size,
    async read(offset, into) {
      // After the header there are no values yet.
      into.fill(0);
      into.set(header.subarray(offset, offset + into.byteLength));
    },
  };
  const config = memorySource(`${name}/${CONFIG_FILE}`, new TextEncoder().encode(JSON.stringify(plan.config)));
  const open = async (file: string): Promise<ByteSource> => (file === CONFIG_FILE ? config : weights);
  const adapter = await openAdapter({ name, files: [CONFIG_FILE, WEIGHTS_FILE], folders: [], open });
  const { metadata, ...others } = kept(plan, inputs);
  return { ...adapter, ...others, metadata: steps === undefined ? metadata : withRecipe(metadata, steps) };
}

/** What a merged adapter inherits when all its inputs agree: the dialect, which keeps names, its model, and metadata about training. */
export type Kept = Pick<Adapter, "format" | "families" | "metadata">;

/** The dialect and families that all inputs of a plan's result share, and what is left of their metadata. */
export function kept(plan: MergePlan, adapters: readonly Adapter[]): Kept {
  const used = usedInputs(plan);
  const [first, ...others] = adapters.filter((_, t) => used.has(t)) as [Adapter, ...Adapter[]];
  const alike = others.every(({ format }) => format === first.format);
  const families = commonFamilies([first, ...others]);
  return {
    format: alike ? first.format : "peft",
    families,
    metadata: mergedMetadata([first, ...others], families),
  };
}
