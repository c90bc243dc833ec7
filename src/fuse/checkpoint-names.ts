import { spelled } from "../adapter/names/beginnings.ts";
import { encoderOf, namingOf } from "../adapter/names/naming.ts";
import { DENOISERS, TEXT_ENCODERS } from "../families/families.ts";
import { type Family, nameOf } from "../families/family.ts";
import type { BaseModel } from "./base-model.ts";

/** Where an image model's checkpoint has the modules of a family, and of text encoders beside it. */
export interface CheckpointNames {
  /** Paths of weights in the model's own layout, by the modules' names here. */
  readonly paths: ReadonlyMap<string, string>;
  /** The tensors of queries, keys and values in one, as open_clip has them, by the name of their layer here. */
  readonly fused: ReadonlyMap<string, string>;
  /** Whether weights have diffusers' names. */
  readonly inDiffusers: boolean;
}

/** Layers of open_clip's text encoders, and their names in transformers; queries, keys and values are one tensor there. */
const OPEN_CLIP = /^transformer\.resblocks\.(\d+)\.(attn\.in_proj_weight|attn\.out_proj|mlp\.c_fc|mlp\.c_proj)$/;
const IN_TRANSFORMERS: Readonly<Record<string, string>> = {
  "attn.in_proj_weight": "self_attn",
  "attn.out_proj": "self_attn.out_proj",
  "mlp.c_fc": "mlp.fc1",
  "mlp.c_proj": "mlp.fc2",
};

/** What transformers calls a layer that open_clip's code named; other paths as they are. */
function inTransformers(path: string): string {
  const [, layer, rest] = OPEN_CLIP.exec(path) ?? [];
  return layer === undefined ? path : `text_model.encoder.layers.${layer}.${IN_TRANSFORMERS[rest!]}`;
}

/** Find a family's modules in a checkpoint, whatever program wrote it. */
export function checkpointNames({ tensors }: BaseModel, family: Family): CheckpointNames {
  const paths = new Map<string, string>();
  const fused = new Map<string, string>();
  let inDiffusers = false;
  for (const key of tensors.keys()) {
    const found = spelled(key.replace(/\.weight$/, ""));
    if (found === null || found.underscored) continue;
    const path = inTransformers(found.path);
    if (key.endsWith(".in_proj_weight") && path !== found.path) fused.set(`${found.part}.${path}`, key);
    if (!key.endsWith(".weight")) continue;
    const isDenoiser = found.part === "denoiser";
    for (const candidate of isDenoiser ? [family] : TEXT_ENCODERS) {
      const place = candidate.find(path, false);
      if (place === null) continue;
      const component = isDenoiser ? family.components[0]! : encoderOf(found.part, candidate);
      const name = nameOf(place);
      if (place.value.inDiffusers) inDiffusers = true;
      // UNets have diffusers' names here.
      else if (!(component === "unet" && name === path))
        paths.set(`${component}.${name}`, key.slice(0, -".weight".length));
    }
  }
  return { paths, fused, inDiffusers };
}

/** How names begin in checkpoints, and blocks of UNets in the original code. */
const OF_CHECKPOINT =
  /^(?:(?:model\.diffusion_model|conditioner|cond_stage_model|text_encoders)\.|(?:(?:input|output)_blocks|middle_block)\.)/;

/**
 * What modules of an image model's checkpoint are called in adapters; names of other models, and of layers that no family has, stay.
 *
 * @param modules by their names in the checkpoint, with the sizes that tell families apart
 */
export function namesInAdapters(
  modules: readonly { readonly name: string; readonly in: number; readonly out: number }[],
): (name: string) => string {
  const inFile = (name: string): string => {
    const found = OF_CHECKPOINT.test(name) ? spelled(name) : null;
    if (found === null || found.part === "denoiser") return name;
    return `${found.part}.${inTransformers(found.path)}`;
  };
  const known = modules
    .map((module) => ({ ...module, name: inFile(module.name) }))
    .filter((module) => OF_CHECKPOINT.test(module.name) || spelled(module.name)?.part !== "denoiser")
    .filter(({ name }) => {
      // Language models may begin as a denoiser does, such as GPT-2's transformer.h.
      const path = spelled(name)?.path;
      return path !== undefined && [...DENOISERS, ...TEXT_ENCODERS].some((family) => family.find(path, false) !== null);
    });
  const { nameOf: nameHere } = namingOf(known);
  return (name) => (known.length === 0 ? name : nameHere(inFile(name)));
}

/** The layers that share one tensor in open_clip's text encoders, in the order of its rows; none for other tensors. */
export function fusedLayers(key: string): readonly string[] {
  const found = key.endsWith(".in_proj_weight") ? spelled(key) : null;
  const layer = found === null ? null : inTransformers(found.path);
  return layer === null || layer === found!.path
    ? []
    : ["q", "k", "v"].map((own) => `${found!.part}.${layer}.${own}_proj`);
}
