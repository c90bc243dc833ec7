import { UsageError } from "../../core/errors.ts";
import type { ModelConfig } from "../../formats/model-config.ts";
import { expertOf, GATE_UP, roleOf } from "../experts.ts";
import { GGUF_FAMILIES, type GgufFamily, type RowOrder } from "./gguf-families.ts";

/** The family of a base model; null for one that is not known. */
export function ggufFamilyOf({
  modelType,
  wholeType,
}: Pick<ModelConfig, "modelType" | "wholeType">): GgufFamily | null {
  const fits = ({ modelTypes, wholeTypes }: GgufFamily): boolean =>
    modelTypes.includes(modelType) && (wholeTypes?.includes(wholeType) ?? true);
  return (
    GGUF_FAMILIES.find((family) => family.wholeTypes !== undefined && fits(family)) ?? GGUF_FAMILIES.find(fits) ?? null
  );
}

/** What wraps the language model in multimodal models; llama.cpp drops it. */
const WRAPPERS = /^(?:model\.)?language_model\./;

/** What a module's name in llama.cpp looks like. */
const GGUF_NAME = /^blk\.\d+\.|^(token_embd|output|position_embd)$/;
/** The tensor of a layer's experts, and what modules of single ones are called where they keep that name: blk.3.ffn_up_exps.7. */
const GGUF_STACK = /^(blk\.\d+\.ffn_(?:gate|up|down|gate_up)_exps)(?:\.(\d+))?$/;

/** Whether a module's name is llama.cpp's. */
export function isGgufName(module: string): boolean {
  return GGUF_NAME.test(module);
}

/**
 * Refuse to make a PEFT adapter of modules that have llama.cpp's names, which mean nothing to other programs, and may have llama.cpp's order
 * of rows.
 *
 * @param who what messages call the adapter, or the adapters
 */
export function refuseGgufNames(who: string, modules: Iterable<string>): void {
  for (const module of modules) {
    if (!isGgufName(module)) continue;
    throw new UsageError(
      `${who}: ${module} is llama.cpp's name of a module, and only the base model's config.json says what other programs call it and how they order its rows; pass that file as --base-config.`,
    );
  }
}

/** A module's name without what wraps a language model. */
function unwrapped(module: string): string {
  return WRAPPERS.test(module) ? `model.${module.replace(WRAPPERS, "").replace(/^model\./, "")}` : module;
}

/** Whether a tensor holds all experts of a layer. */
export function isGgufStack(path: string): boolean {
  return GGUF_STACK.test(path);
}

/** The tensor and the place of an expert's module under llama.cpp's name; null for other modules. */
export function ggufExpert(module: string): { readonly stack: string; readonly expert: number } | null {
  const [, stack, expert] = GGUF_STACK.exec(module) ?? [];
  return expert === undefined ? null : { stack: stack!, expert: Number(expert) };
}

/** The tensor and the place of an expert's module; null where the family has no such module. */
export function ggufStack(
  { layers, experts }: GgufFamily,
  module: string,
): { readonly stack: string; readonly expert: number } | null {
  const place = expertOf(unwrapped(module));
  const [, number, path = ""] = /^(.+\.\d+)(?:\.([^.]+))?$/.exec(place?.layer ?? "") ?? [];
  if (place === null || number === undefined || experts?.paths.includes(path) !== true) return null;
  const both = place.projection === GATE_UP ? "gate_up" : null;
  const role = experts.gateUpAlone === true ? both : roleOf(place.projection);
  if (role === null) return null;
  const block = number!.startsWith(`${layers}.`) ? number!.slice(layers.length + 1) : "";
  return /^\d+$/.test(block) ? { stack: `blk.${block}.ffn_${role}_exps`, expert: place.expert } : null;
}

/** How an expert's module is named in a tensor of all experts: as Hugging Face does, or by the tensor if the family has no such. */
export function expertOfGguf(family: GgufFamily | null, stack: string): (expert: number) => string {
  const [, block, role] = /^blk\.(\d+)\.ffn_(gate_up|gate|up|down)_exps$/.exec(stack) ?? [];
  const experts = family?.experts;
  const unknown = experts === undefined || (experts.gateUpAlone === true && role !== "gate_up");
  if (role === undefined || unknown) return (expert) => `${stack}.${expert}`;
  const owner = [family!.layers, block, experts.paths[0], "experts"].filter((part) => part !== "").join(".");
  const projection = role === "gate_up" ? GATE_UP : experts.projections[role as "gate"];
  return (expert) => `${owner}.${expert}.${projection}`;
}

/** The GGUF name of a module, such as blk.3.attn_q; null where the family has no such module. */
export function ggufName(family: GgufFamily, module: string): string | null {
  const own = unwrapped(module);
  const around = family.around[own] ?? family.around[own.replace(/^model\.(?=lm_head$)/, "")];
  if (around !== undefined) return around;
  if (!own.startsWith(`${family.layers}.`)) return null;
  const match = /^(\d+)\.(.+)$/.exec(own.slice(family.layers.length + 1));
  const name = match === null ? undefined : family.modules[match[2]!];
  return name === undefined ? null : `blk.${match![1]}.${name}`;
}

/** Hugging Face's name for a GGUF name; null where the family has no such module. */
export function moduleOfGguf(family: GgufFamily, name: string): string | null {
  const find = (names: Readonly<Record<string, string>>, wanted: string): string | undefined =>
    Object.keys(names).find((key) => names[key] === wanted);
  const around = find(family.around, name);
  if (around !== undefined) return around;
  const match = /^blk\.(\d+)\.(.+)$/.exec(name);
  const module = match === null ? undefined : find(family.modules, match[2]!);
  return module === undefined ? null : `${family.layers}.${match![1]}.${module}`;
}

/** How llama.cpp orders the rows of a GGUF name; null where they stay. */
export function reorderedBy(family: GgufFamily, name: string): RowOrder | null {
  return family.reordered[name.replace(/^blk\.\d+\./, "")] ?? null;
}

/**
 * How llama.cpp treats a LoRA of some tensors otherwise than of others (build_lora_mm_id and deepseek2.cpp in llama-cpp-python
 * 0.3.36), as the end of a sentence about llama.cpp; null for tensors that it adapts.
 */
export function misapplied({ architecture, experts }: GgufFamily, tensor: string): string | null {
  if (experts?.gateUpAlone === true && tensor.endsWith(".ffn_down_exps")) {
    return `scales ${tensor} by the router's per_expert_scale, and adds a LoRA of it without that scale`;
  }
  return architecture === "deepseek2" && /\.attn_[kv]_b$/.test(tensor) ? `applies no LoRA to ${tensor}` : null;
}
