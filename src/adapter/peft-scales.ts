import { FormatError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { PeftConfig } from "../formats/peft-folder/read-config.ts";
import type { StridedModule } from "./module-of-factors.ts";
import { patternLookup } from "./pattern.ts";

/** What a PEFT config says of a path: its rank, and the scale alpha / r, or alpha / sqrt(r) for rsLoRA, with patterns applied. */
export function configuredRanks(
  name: string,
  config: PeftConfig,
): (path: string) => { readonly rank: number; readonly scale: number } {
  const rankOf = patternLookup(config.rankPattern, config.rank, `${name}: rank_pattern`);
  const alphaOf = patternLookup(config.alphaPattern, config.alpha, `${name}: alpha_pattern`);
  return (path) => {
    const rank = rankOf(path);
    // + 0 turns -0, which JSON does not carry, into 0.
    return { rank, scale: alphaOf(path) / (config.rslora ? Math.sqrt(rank) : rank) + 0 };
  };
}

/**
 * The scale of each module from a PEFT config.
 *
 * @param name of the adapter, for messages
 * @returns a function that throws FormatError where the config's rank is not the tensor's
 */
export function peftScales(name: string, config: PeftConfig): (module: StridedModule) => number {
  const configured = configuredRanks(name, config);
  return (module) => {
    const { rank, scale } = configured(module.name);
    if (rank !== module.rank) {
      throw new FormatError(
        `${name}: the config gives ${module.name} rank ${rank}, but its tensor ${module.a.name} has shape ${formatShape(module.a.shape)}; pass the config that was saved with these weights.`,
      );
    }
    return scale;
  };
}
