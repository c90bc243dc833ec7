import { FormatError } from "../../core/errors.ts";
import type { LoraLikeMethod } from "../../formats/peft-folder/lora-like-config.ts";
import type { PeftConfig } from "../../formats/peft-folder/read-config.ts";
import type { ComputedModule } from "../lycoris/computed.ts";
import { lycorisModules } from "../lycoris/lycoris-modules.ts";
import { patternLookup } from "../pattern.ts";
import { ADALORA } from "./adalora.ts";
import { C3A } from "./c3a.ts";
import { DELORA } from "./delora.ts";
import { GRALORA } from "./gralora.ts";
import { HIRA } from "./hira.ts";
import type { PeftMethod } from "./method.ts";
import { BONE, MISS } from "./miss.ts";
import { RANDLORA } from "./randlora.ts";
import { VBLORA } from "./vblora.ts";
import { PVERA, VERA } from "./vera.ts";

/** The tensors are LyCORIS', but the scale is always alpha / r, even of a LoKr of two whole sides. */
const LYCORIS: PeftMethod = {
  modules: ({ name, tensors }) => lycorisModules(name, tensors),
  scale: (rank, alpha) => alpha / rank,
};

/** PEFT 0.21.2. */
export const LORA_LIKE_METHODS: Readonly<Record<LoraLikeMethod, PeftMethod>> = {
  LOHA: LYCORIS,
  LOKR: LYCORIS,
  ADALORA,
  DELORA,
  GRALORA,
  VBLORA,
  C3A,
  VERA,
  PVERA,
  RANDLORA,
  MISS,
  BONE,
  HIRA,
};

/**
 * The scale of each module, with patterns applied.
 *
 * @param name of the adapter, for messages
 * @param config of that method, as that of a LoRA
 * @returns a function that throws FormatError where the config's rank is not that of the tensors
 */
export function loraLikeScales(
  name: string,
  method: LoraLikeMethod,
  config: PeftConfig,
): (module: ComputedModule) => number {
  const rankOf = patternLookup(config.rankPattern, config.rank, `${name}: rank_pattern`);
  const alphaOf = patternLookup(config.alphaPattern, config.alpha, `${name}: alpha_pattern`);
  return (module) => {
    const { name: path, dim, a, alpha = alphaOf(path) } = module;
    const rank = rankOf(path);
    if (dim !== null && dim !== rank) {
      throw new FormatError(
        `${name}: the config gives ${path} rank ${rank}, but its tensors (such as ${a.name}) have rank ${dim}; pass the config that was saved with these weights.`,
      );
    }
    return LORA_LIKE_METHODS[method].scale(rank, alpha, module);
  };
}
