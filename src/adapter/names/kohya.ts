import { componentOf } from "./components.ts";
import { FLUX, LANGUAGE_MODEL, LDM_UNET, TEXT_ENCODER, UNET, unetOfLdm } from "./image-models.ts";
import { dotted } from "./underscored.ts";

/** The component of the pipeline that a prefix stands for; where two do, the first is written. */
const COMPONENTS: readonly (readonly [prefix: string, component: string])[] = [
  ["lora_unet_", "unet"],
  ["lora_te_", "text_encoder"],
  ["lora_te1_", "text_encoder"],
  ["lora_te2_", "text_encoder_2"],
  ["lora_te3_", "text_encoder_3"],
  ["lora_transformer_", "transformer"],
  ["lora_unet_", "diffusion_model"],
];

/** Other names under a text encoder's prefix are a language model's. */
const TEXT_ENCODER_START = /^(text_model|text_projection|encoder|shared)(_|$)/;

/**
 * Metadata in which lora-lego keeps the paths of modules that underscores do not give back: a JSON object from the keys' stems to paths.
 */
export const PATHS_METADATA = "lora_lego_modules";

/**
 * A module's dotted path by its name in kohya's keys; a name of no known family stays as it is, so that such adapters still merge among
 * themselves.
 */
export function moduleOfKohya(path: string): string {
  const found = COMPONENTS.find(([prefix]) => path.startsWith(prefix));
  if (found === undefined) return path;
  const [prefix, component] = found;
  // Some converters leave the component's own name behind the prefix.
  const rest = path.slice(prefix.length).replace(new RegExp(`^${component}_`), "");
  if (component.startsWith("text_encoder")) {
    const encoder = TEXT_ENCODER_START.test(rest) ? dotted(rest, TEXT_ENCODER) : null;
    return encoder !== null ? `${component}.${encoder}` : (dotted(rest, LANGUAGE_MODEL) ?? path);
  }
  const unet = dotted(rest, UNET);
  if (unet !== null) return `${component}.${unet}`;
  const ldm = unetOfLdm(dotted(rest, LDM_UNET) ?? "");
  if (ldm !== null) return `unet.${ldm}`;
  const flux = dotted(rest, FLUX);
  return flux === null ? path : `diffusion_model.${flux}`;
}

/**
 * A module's name in kohya's keys: its component's prefix and its path with underscores; modules of no component are a language model's
 * and go under lora_te. Pipelines with two text encoders call the first lora_te1.
 *
 * @param twoEncoders whether the adapter has modules of a second text encoder
 */
export function kohyaName(module: string, twoEncoders: boolean): string {
  if (/^lora_[a-z0-9]+_/.test(module)) return module;
  const component = componentOf(module);
  const prefix = COMPONENTS.find(([, known]) => known === component)?.[0];
  if (component === null || prefix === undefined) return `lora_te_${underscored(module)}`;
  const own = component === "text_encoder" && twoEncoders ? "lora_te1_" : prefix;
  return `${own}${underscored(module.slice(component.length + 1))}`;
}

function underscored(path: string): string {
  return path.replaceAll(".", "_");
}
