import { RefusedError } from "../../core/errors.ts";
import type { AdapterModule, TensorRef } from "../adapter.ts";
import type { Dialect } from "../dialect.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { FLUX, LANGUAGE_MODEL, LDM_UNET, TEXT_ENCODER, UNET, unetOfLdm } from "../names/image-models.ts";
import { dotted } from "../names/underscored.ts";
import { addModule, plainAdapter, scalesOfAlphas } from "../plain-adapter.ts";

const FACTOR = /^(.+?)[._]lora_(down|up)\.weight$/;
const ALPHA = /^(.+)\.alpha$/;

/**
 * The dialect of kohya's sd-scripts: <prefix>_<module path with underscores>.lora_down.weight (r, in), .lora_up.weight (out, r) and
 * .alpha, scale alpha / r; an alpha that is missing or 0 stands for r.
 */
export const kohya: Dialect = {
  id: "kohya",
  title: "kohya / sd-scripts",
  recognises: (key) => FACTOR.test(key),
  async read({ name, files, tensors, metadata }) {
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_down", b: "lora_up" });
    const modules = new Map<string, AdapterModule>();
    const scaleOf = await scalesOfAlphas(name, files, alphasOf(name, others));
    for (const { path, a, b } of pairs) {
      const module = moduleOfFactors(name, kohyaModule(path), "linear", a, b);
      addModule(name, modules, { ...module, scale: scaleOf(path, module.rank) });
    }
    const baseModel = metadata.get("ss_base_model_version") ?? metadata.get("ss_sd_model_name") ?? null;
    return plainAdapter("kohya", { name, files, modules, baseModel });
  },
};

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  return match === null ? null : { path: match[1]!, half: match[2] === "down" ? "a" : "b" };
}

/** The alpha tensors by module; anything else beside the factors would be lost. */
function alphasOf(name: string, others: readonly TensorRef[]): Map<string, TensorRef> {
  const alphas = new Map<string, TensorRef>();
  for (const tensor of others) {
    const match = ALPHA.exec(tensor.name);
    if (match === null) throw refused(name, tensor.name);
    alphas.set(match[1]!.replace(/[._]lora$/, ""), tensor);
  }
  return alphas;
}

function refused(name: string, key: string): RefusedError {
  if (key.endsWith(".dora_scale")) {
    return new RefusedError(
      `${name} is a DoRA adapter (tensor ${key}), whose magnitudes no sum of low-rank deltas can carry; fuse it into its base model instead.`,
    );
  }
  if (key.endsWith(".lora_mid.weight")) {
    return new RefusedError(
      `${name} factors its convolutions into three (tensor ${key}), which B A cannot carry; train it without the CP decomposition (use_cp / use_tucker).`,
    );
  }
  return new RefusedError(
    `${name}: the tensor ${key} is no part of a plain LoRA adapter; merge adapters that hold lora_down, lora_up and alpha only.`,
  );
}

/** The component of the pipeline that a prefix stands for. */
const COMPONENTS: readonly (readonly [prefix: string, component: string])[] = [
  ["lora_unet_", "unet"],
  ["lora_te_", "text_encoder"],
  ["lora_te1_", "text_encoder"],
  ["lora_te2_", "text_encoder_2"],
  ["lora_te3_", "text_encoder_3"],
  ["lora_transformer_", "transformer"],
];

/**
 * A module's dotted path by its name in kohya's keys; a name of no known family stays as it is, so that such adapters still merge among
 * themselves.
 */
function kohyaModule(path: string): string {
  const found = COMPONENTS.find(([prefix]) => path.startsWith(prefix));
  if (found === undefined) return path;
  const [prefix, component] = found;
  // Some converters leave the component's own name behind the prefix.
  const rest = path.slice(prefix.length).replace(new RegExp(`^${component}_`), "");
  if (component.startsWith("text_encoder")) {
    const encoder = dotted(rest, TEXT_ENCODER);
    return encoder !== null ? `${component}.${encoder}` : (dotted(rest, LANGUAGE_MODEL) ?? path);
  }
  const unet = dotted(rest, UNET);
  if (unet !== null) return `${component}.${unet}`;
  const ldm = unetOfLdm(dotted(rest, LDM_UNET) ?? "");
  if (ldm !== null) return `unet.${ldm}`;
  const flux = dotted(rest, FLUX);
  return flux === null ? path : `diffusion_model.${flux}`;
}
