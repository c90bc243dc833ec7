import { componentOf } from "./components.ts";
import { UNET } from "./image-models.ts";

/** A part of a module that diffusers holds as a layer of its own: rows from .. from + count of B. */
export interface ModulePart {
  readonly name: string;
  readonly from: number;
  readonly count: number;
}

/** Flux's modules by their last names in its first code, and what diffusers calls them; lists are parts of equal size. */
const DOUBLE: Readonly<Record<string, readonly string[]>> = {
  "img_attn.qkv": ["attn.to_q", "attn.to_k", "attn.to_v"],
  "img_attn.proj": ["attn.to_out.0"],
  "img_mlp.0": ["ff.net.0.proj"],
  "img_mlp.2": ["ff.net.2"],
  "img_mod.lin": ["norm1.linear"],
  "txt_attn.qkv": ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
  "txt_attn.proj": ["attn.to_add_out"],
  "txt_mlp.0": ["ff_context.net.0.proj"],
  "txt_mlp.2": ["ff_context.net.2"],
  "txt_mod.lin": ["norm1_context.linear"],
};
const AROUND: Readonly<Record<string, string>> = {
  img_in: "x_embedder",
  txt_in: "context_embedder",
  "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
  "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
  "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
  "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
  "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
  "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
  "final_layer.linear": "proj_out",
};

/**
 * The layers that a module is in diffusers, one or several that share it.
 *
 * @param out rows of its B
 * @returns null where diffusers has no such module
 */
export function diffusersParts(module: string, out: number): readonly ModulePart[] | null {
  const component = componentOf(module);
  if (component === "diffusion_model") return fluxParts(module.slice(component.length + 1), out);
  if (component !== null) return [{ name: module, from: 0, count: out }];
  const known = module.split(".").every((part) => UNET.includes(part) || /^\d+$/.test(part));
  return known ? [{ name: `unet.${module}`, from: 0, count: out }] : null;
}

function fluxParts(path: string, out: number): readonly ModulePart[] | null {
  const around = AROUND[path];
  if (around !== undefined) return [{ name: `transformer.${around}`, from: 0, count: out }];
  const double = /^double_blocks\.(\d+)\.(.+)$/.exec(path);
  if (double !== null) {
    const names = DOUBLE[double[2]!];
    if (names === undefined || out % names.length !== 0) return null;
    return consecutive(
      names.map((name) => [`transformer.transformer_blocks.${double[1]}.${name}`, out / names.length] as const),
    );
  }
  const single = /^single_blocks\.(\d+)\.(linear1|linear2|modulation\.lin)$/.exec(path);
  if (single === null) return null;
  const block = `transformer.single_transformer_blocks.${single[1]}`;
  if (single[2] === "linear2") return [{ name: `${block}.proj_out`, from: 0, count: out }];
  if (single[2] === "modulation.lin") return [{ name: `${block}.norm.linear`, from: 0, count: out }];
  // q, k and v are as wide as the model, the first layer of the MLP four times.
  if (out % 7 !== 0) return null;
  const width = out / 7;
  return consecutive([
    [`${block}.attn.to_q`, width],
    [`${block}.attn.to_k`, width],
    [`${block}.attn.to_v`, width],
    [`${block}.proj_mlp`, 4 * width],
  ]);
}

function consecutive(parts: readonly (readonly [string, number])[]): ModulePart[] {
  let from = 0;
  return parts.map(([name, count]) => {
    const part = { name, from, count };
    from += count;
    return part;
  });
}
