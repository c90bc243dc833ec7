/**
 * The names in module paths of image models, one list per family: kohya's keys write the dots between them as underscores, and these
 * tell where they were. A new family is a new list.
 */

/** UNets of Stable Diffusion 1, 2 and XL, as diffusers names their modules. */
export const UNET: readonly string[] = words(
  "down_blocks up_blocks mid_block attentions resnets downsamplers upsamplers transformer_blocks attn1 attn2 to_q to_k to_v to_out",
  "ff net proj proj_in proj_out conv conv1 conv2 conv_in conv_out conv_shortcut time_emb_proj time_embedding add_embedding",
  "linear_1 linear_2 norm1 norm2 norm3",
);

/** The same UNets as their first code names them (ldm, sgm); `unetOfLdm` maps these to diffusers' names. */
export const LDM_UNET: readonly string[] = words(
  "input_blocks middle_block output_blocks in_layers out_layers emb_layers skip_connection op conv time_embed label_emb out",
  "transformer_blocks attn1 attn2 to_q to_k to_v to_out ff net proj proj_in proj_out",
);

/** Flux as its first code names it. */
export const FLUX: readonly string[] = words(
  "double_blocks single_blocks img_attn txt_attn img_mlp txt_mlp img_mod txt_mod qkv proj lin linear1 linear2 modulation",
  "img_in txt_in time_in vector_in guidance_in in_layer out_layer final_layer linear adaLN_modulation",
);

/** CLIP and T5 text encoders as transformers names their modules. */
export const TEXT_ENCODER: readonly string[] = words(
  "text_model encoder layers self_attn mlp q_proj k_proj v_proj out_proj fc1 fc2 text_projection embeddings token_embedding",
  "position_embedding block layer SelfAttention EncDecAttention DenseReluDense q k v o wi wi_0 wi_1 wo shared",
);

/** Language models as transformers names their modules; kohya's keys carry them under lora_te. */
export const LANGUAGE_MODEL: readonly string[] = words(
  "model language_model transformer gpt_neox decoder layers h wte wpe embed_tokens embed_in lm_head embed_out self_attn attn attention mlp",
  "q_proj k_proj v_proj o_proj qkv_proj out_proj c_attn c_proj c_fc gate_proj up_proj down_proj gate_up_proj fc1 fc2 fc_in fc_out",
  "query_key_value dense dense_h_to_4h dense_4h_to_h",
);

function words(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(" "));
}

/** Names inside a residual block, from ldm's to diffusers'. */
const RESNET: Readonly<Record<string, string>> = {
  "in_layers.2": "conv1",
  "emb_layers.1": "time_emb_proj",
  "out_layers.3": "conv2",
  skip_connection: "conv_shortcut",
};

/** Modules outside of the blocks. */
const AROUND: Readonly<Record<string, string>> = {
  "input_blocks.0.0": "conv_in",
  "out.2": "conv_out",
  "time_embed.0": "time_embedding.linear_1",
  "time_embed.2": "time_embedding.linear_2",
  "label_emb.0.0": "add_embedding.linear_1",
  "label_emb.0.2": "add_embedding.linear_2",
};

/**
 * diffusers' name of a UNet module that ldm's code named: three input blocks make one down block (two layers and a step down), three
 * output blocks one up block; in each, part 0 is a residual block and part 1 an attention.
 *
 * @returns null where it is no such name
 */
export function unetOfLdm(path: string): string | null {
  const around = AROUND[path];
  if (around !== undefined) return around;
  const middle = /^middle_block\.([012])\.(.+)$/.exec(path);
  if (middle !== null) {
    const [, part, rest] = middle as unknown as [string, string, string];
    return part === "1" ? `mid_block.attentions.0.${rest}` : inResnet(`mid_block.resnets.${Number(part) / 2}`, rest);
  }
  const block = /^(input|output)_blocks\.(\d+)\.([012])\.(.+)$/.exec(path);
  if (block === null) return null;
  const [, side, number, part, rest] = block as unknown as [string, "input" | "output", string, string, string];
  const index = Number(number) - (side === "input" ? 1 : 0);
  const where = `${side === "input" ? "down" : "up"}_blocks.${Math.floor(index / 3)}`;
  if (side === "input" && index % 3 === 2) return part === "0" && rest === "op" ? `${where}.downsamplers.0.conv` : null;
  if (side === "output" && rest === "conv") return `${where}.upsamplers.0.conv`;
  return part === "0" ? inResnet(`${where}.resnets.${index % 3}`, rest) : `${where}.attentions.${index % 3}.${rest}`;
}

function inResnet(block: string, rest: string): string | null {
  const name = RESNET[rest];
  return name === undefined ? null : `${block}.${name}`;
}
