import { FormatError } from "../../core/errors.ts";
import { type JsonObject, showJson } from "../json.ts";

/** A method of PEFT whose delta is that of a LoRA of some rank. */
export type LoraLikeMethod = "LOHA" | "LOKR" | "ADALORA" | "DELORA" | "GRALORA" | "VBLORA" | "C3A" | BaseMethod;

/** One whose tensors say so only together with the base's weights, or with their sizes. */
export type BaseMethod = "VERA" | "PVERA" | "RANDLORA" | "MISS" | "BONE" | "HIRA";

/** How a method's config differs from a LoRA's. */
interface LoraLikeConfig {
  /** Its own fields, separated by spaces. */
  readonly fields: string;
  /** The fields that are added up to its rank, with their defaults; none where the rank does not count. */
  readonly rank: readonly (readonly [field: string, absent: number])[];
  /** The field of the number that is divided by it; null where there is none. */
  readonly alpha: readonly [field: string, absent: number] | null;
  /** Whether its tensors need the base. */
  readonly onBase?: true;
}

const LYCORIS: LoraLikeConfig = {
  fields:
    "alpha init_weights rank_dropout module_dropout rank_dropout_scale use_effective_conv2d decompose_both decompose_factor",
  rank: [["r", 8]],
  alpha: ["alpha", 8],
};
const PROJECTED = "init_weights projection_prng_key save_projection";

/** PEFT 0.21.2; BONE is what MiSS was called before. */
const CONFIGS: Readonly<Record<LoraLikeMethod, LoraLikeConfig>> = {
  LOHA: LYCORIS,
  LOKR: LYCORIS,
  ADALORA: {
    fields: "init_r target_r tinit tfinal deltaT beta1 beta2 orth_reg_weight total_step rank_pattern",
    rank: [["init_r", 12]],
    alpha: ["lora_alpha", 8],
  },
  DELORA: { fields: "init_weights delora_lambda lambda_pattern module_dropout", rank: [["r", 8]], alpha: null },
  GRALORA: {
    fields: "alpha init_weights gralora_dropout gralora_k hybrid_r",
    rank: [
      ["r", 32],
      ["hybrid_r", 0],
    ],
    alpha: ["alpha", 64],
  },
  VBLORA: {
    fields:
      "num_vectors vector_length topk vblora_dropout save_only_topk_weights init_weights init_vector_bank_bound init_logits_std",
    rank: [["r", 4]],
    alpha: null,
  },
  C3A: { fields: "block_size block_size_pattern init_weights", rank: [], alpha: null },
  VERA: { fields: `${PROJECTED} vera_dropout d_initial`, rank: [["r", 256]], alpha: null, onBase: true },
  PVERA: {
    fields: `${PROJECTED} pvera_dropout d_initial generator_seed sample_at_inference`,
    rank: [["r", 256]],
    alpha: null,
    onBase: true,
  },
  RANDLORA: {
    fields: `${PROJECTED} randlora_alpha randlora_dropout sparse very_sparse`,
    rank: [["r", 32]],
    alpha: ["randlora_alpha", 640],
    onBase: true,
  },
  MISS: { fields: "init_weights mini_r miss_dropout", rank: [["r", 64]], alpha: null, onBase: true },
  BONE: { fields: "init_weights", rank: [["r", 64]], alpha: null, onBase: true },
  // PEFT writes a rank_pattern for HiRA and does not follow it.
  HIRA: { fields: "init_weights hira_dropout rank_pattern", rank: [["r", 32]], alpha: null, onBase: true },
};

/** Their peft_types. */
export const LORA_LIKE = Object.keys(CONFIGS) as readonly LoraLikeMethod[];

/** Whether a peft_type is that of such a method. */
export function isLoraLike(method: string): method is LoraLikeMethod {
  return Object.hasOwn(CONFIGS, method);
}

/** Whether a peft_type is that of a method whose delta only the base tells. */
export function isOnBase(method: string): method is BaseMethod {
  return isLoraLike(method) && CONFIGS[method].onBase === true;
}

/**
 * The config of such a method as that of a LoRA with the same two numbers; 1 for those that it has not.
 *
 * @param where what messages call the file
 * @throws FormatError where one of them is no number
 */
export function loraFields(method: LoraLikeMethod, fields: JsonObject, where: string): JsonObject {
  const { fields: text, rank, alpha } = CONFIGS[method];
  const read = ([field, absent]: readonly [string, number]): number => {
    const value = fields[field] ?? absent;
    if (typeof value === "number") return value;
    throw new FormatError(`${where}: ${field} is ${showJson(value)}, but must be a number; correct it.`);
  };
  const own = text.split(" ");
  const kept = Object.entries(fields).filter(([field]) => !own.includes(field));
  const r = rank.length === 0 ? 1 : rank.map(read).reduce((sum, value) => sum + value, 0);
  return { ...Object.fromEntries(kept), r, lora_alpha: alpha === null ? 1 : read(alpha) };
}
