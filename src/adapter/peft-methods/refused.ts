import { showJson } from "../../formats/json.ts";
import { isOnBase, LORA_LIKE } from "../../formats/peft-folder/lora-like-config.ts";
import type { Variant } from "../variants.ts";

const EXTRACT =
  "merge it into its base with PEFT (merge_and_unload), and take a LoRA from that model with lora-lego extract";

/** Methods of PEFT 0.21.2 whose deltas are not read, by what they train, and the way out. */
const REFUSED: readonly (readonly [methods: string, what: string, way: string])[] = [
  [
    "PROMPT_TUNING MULTITASK_PROMPT_TUNING P_TUNING PREFIX_TUNING CPT CARTRIDGE ADAPTION_PROMPT",
    "trains prompts and changes no weights",
    "train plain LoRA instead",
  ],
  ["LN_TUNING BEFT", "trains norms or biases and no matrices", "train plain LoRA instead"],
  [
    "TRAINABLE_TOKENS",
    "trains rows of an embedding and nothing else",
    "train plain LoRA with trainable_token_indices, which merges take",
  ],
  ["POLY XLORA LILY SHADOW", "depends on each input, so that no delta is the same", "train plain LoRA instead"],
  [
    "FOURIERFT WAVEFT UNILORA TINYLORA PSOFT",
    "has a delta that PEFT alone knows (from its random numbers or the base's singular vectors)",
    "load it with PEFT, and save it as LoRA with save_as_lora of peft.tuners.lora.conversion",
  ],
  [
    "OFT BOFT HRA ROAD IA3 OSF GLORA DEFT FROD PEANUT ADAMSS",
    "changes the base's weights by an amount that depends on these weights",
    EXTRACT,
  ],
  ["SHIRA SUPERTUNING", "trains single entries of matrices, whose delta has no low rank", EXTRACT],
];

/**
 * An adapter of another PEFT method than LoRA, or of one that is read as LoRA but needs its base, or lacks its tensors.
 *
 * @param lacking whether the tensors of a method that is read are missing
 */
export function methodVariant(method: string, lacking: boolean): Variant {
  const said = `has peft_type ${showJson(method)}`;
  if (lacking) {
    const text = `${said} in its config, but no tensors of that method; pass the config and the weights that were saved together.`;
    return { id: "incomplete", of: "other_method", method, text };
  }
  return { id: "other_method", method, text: `${said}, ${reason(method)}` };
}

function reason(method: string): string {
  if (isOnBase(method)) {
    return "whose delta only the base model tells; write it as LoRA with lora-lego convert --base DIR, with the folder of that model.";
  }
  const found = REFUSED.find(([methods]) => methods.split(" ").includes(method));
  if (found !== undefined) return `which ${found[1]}, so it is no LoRA; ${found[2]}.`;
  return `but lora-lego merges LoRA adapters only (peft_type "LORA", or ${LORA_LIKE.join(", ")}, which it reads as LoRA); train plain LoRA, or take one from the merged model with lora-lego extract.`;
}
