import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { plural } from "../../core/plural.ts";
import { differs, type Finding, note, short } from "./finding.ts";

/** More different scales than these are not listed. */
const MOST_LISTED = 3;

/**
 * With which scales an image program applies a file, by its alphas or its metadata; what is not known goes to `unseen`.
 *
 * @param seen whether the program is known to apply alphas to such a file
 */
export function checkImageScales(
  { modules, format, alphas, variants }: Adapter,
  { id, title, version }: Consumer,
  seen: boolean,
  unseen: string[],
): Finding[] {
  const all = [...modules.values()];
  const scaled = all.find(({ scale }) => scale !== 1);
  if (alphas === null || all.length === 0) return [];
  const { own, inMetadata } = alphas;
  if (inMetadata > 0) {
    if (id === "diffusers") return [note(`${title} takes the scales from lora_adapter_metadata: ${listed(all)}.`)];
    if (scaled === undefined) return [];
    const plain = variants.length === 0;
    return [
      differs(
        `${title} does not read lora_adapter_metadata, so the scale of ${scaled.name} is that of its .alpha, or 1 without one, instead of ${short(scaled.scale)}; ${plain ? "convert it to kohya" : "load it in diffusers"}.`,
        plain ? { to: "kohya" } : undefined,
      ),
    ];
  }
  if (id === "diffusers" && format === "diffusers" && scaled !== undefined) {
    unseen.push(`whether ${title} ${version} applies .alpha tensors, such as that of ${scaled.name}`);
    return [];
  }
  if (!seen) return [];
  const missing = all.length - own;
  if (own === 0) return [note(`${title} applies the scale 1, because the file has no alpha.`)];
  const lacking =
    missing === 0 ? "" : `; ${plural(missing, "module")} without alpha ${missing === 1 ? "has" : "have"} 1`;
  return [note(`${title} applies the scale alpha / rank: ${listed(all)}${lacking}.`)];
}

/** The scales and how many modules have each, the commonest first. */
function listed(modules: readonly { readonly scale: number }[]): string {
  const counts = new Map<number, number>();
  for (const { scale } of modules) counts.set(scale, (counts.get(scale) ?? 0) + 1);
  const scales = [...counts].sort(([, one], [, other]) => other - one);
  if (scales.length === 1) return `${short(scales[0]![0])} for all modules`;
  const shown = scales.slice(0, MOST_LISTED).map(([scale, count]) => `${short(scale)} for ${plural(count, "module")}`);
  return scales.length > MOST_LISTED
    ? `${shown.join(", ")}, and ${scales.length - MOST_LISTED} more`
    : shown.join(", ");
}
