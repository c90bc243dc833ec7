import { FormatError } from "../../core/errors.ts";
import { type JsonObject, showJson } from "../json.ts";

/** A method of PEFT whose delta is that of a LoRA of some rank. */
export type LoraLikeMethod = "LOHA" | "LOKR" | "ADALORA";

/** How a method's config differs from a LoRA's. */
interface LoraLikeConfig {
  /** Its own fields, separated by spaces. */
  readonly fields: string;
  /** The fields of the two numbers in its scale, with their defaults. */
  readonly rank: readonly [field: string, absent: number];
  readonly alpha: readonly [field: string, absent: number];
}

const LYCORIS: LoraLikeConfig = {
  fields:
    "alpha init_weights rank_dropout module_dropout rank_dropout_scale use_effective_conv2d decompose_both decompose_factor",
  rank: ["r", 8],
  alpha: ["alpha", 8],
};

/** PEFT 0.21.2. */
const CONFIGS: Readonly<Record<LoraLikeMethod, LoraLikeConfig>> = {
  LOHA: LYCORIS,
  LOKR: LYCORIS,
  ADALORA: {
    fields: "init_r target_r tinit tfinal deltaT beta1 beta2 orth_reg_weight total_step rank_pattern",
    rank: ["init_r", 12],
    alpha: ["lora_alpha", 8],
  },
};

/** Their peft_types. */
export const LORA_LIKE = Object.keys(CONFIGS) as readonly LoraLikeMethod[];

/** Whether a peft_type is that of such a method. */
export function isLoraLike(method: string): method is LoraLikeMethod {
  return Object.hasOwn(CONFIGS, method);
}

/**
 * The config of such a method as that of a LoRA with the same two numbers.
 *
 * @param where what messages call the file
 * @throws FormatError where one of them is no number
 */
export function loraFields(method: LoraLikeMethod, fields: JsonObject, where: string): JsonObject {
  const { fields: text, rank, alpha } = CONFIGS[method];
  for (const [field] of [rank, alpha]) {
    if (typeof (fields[field] ?? 0) === "number") continue;
    throw new FormatError(`${where}: ${field} is ${showJson(fields[field])}, but must be a number; correct it.`);
  }
  const own = text.split(" ");
  const kept = Object.entries(fields).filter(([field]) => !own.includes(field));
  return { ...Object.fromEntries(kept), r: fields[rank[0]] ?? rank[1], lora_alpha: fields[alpha[0]] ?? alpha[1] };
}
