import type { AdapterModule } from "../read-adapter.ts";

/** A module of diffusers: its name, and the rows of B that it holds, as ranges [first, count] in their order. */
export interface ModulePart {
  readonly name: string;
  readonly rows: readonly (readonly [from: number, count: number])[];
}

/** Flux's modules by their last names in its original code, and what diffusers calls them; lists are parts of equal size. */
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

/** A model built on Flux's code. */
type FluxModel = "Flux.1" | "Flux.2" | "Chroma";

/** Which model built on Flux's code it is; Flux.1 where nothing tells: they share the names of what they have in common. */
export function fluxOf(modules: Iterable<Pick<AdapterModule, "name" | "in" | "out">>): FluxModel {
  return certainFluxOf(modules) ?? "Flux.1";
}

/** The model built on Flux's code, where modules that only it has say so; null where nothing tells. */
export function certainFluxOf(modules: Iterable<Pick<AdapterModule, "name" | "in" | "out">>): FluxModel | null {
  let found: FluxModel | null = null;
  for (const { name, in: width, out } of modules) {
    if (!name.startsWith("diffusion_model.")) continue;
    if (name.includes(".distilled_guidance_layer.")) return "Chroma";
    // Flux.2 gates its MLPs, which are three times as wide, and shares its modulations.
    const gated =
      (/_mlp\.0$/.test(name) && out === 6 * width) ||
      (/_mlp\.2$/.test(name) && width === 3 * out) ||
      (/\.linear1$/.test(name) && out === 9 * width) ||
      (/\.linear2$/.test(name) && width === 4 * out);
    if (gated || name.includes("_stream_modulation")) return "Flux.2";
    // Each block has its own modulations, and there is a vector of the text.
    if (/\.(?:img_mod|txt_mod|modulation)\.lin$|\.vector_in\./.test(name)) found = "Flux.1";
  }
  return found;
}

/**
 * The diffusers layers that a Flux.1 module holds.
 *
 * @param path in the names of Flux's original code
 * @param out rows of its B
 * @returns null where the layers cannot share that many rows
 */
export function fluxParts(path: string, out: number): readonly ModulePart[] | null {
  const parts = partsOf(path, out);
  return parts.every(({ rows }) => rows.flat().every(Number.isInteger)) ? parts : null;
}

function partsOf(path: string, out: number): readonly ModulePart[] {
  const around = AROUND[path];
  if (around !== undefined) return [{ name: `transformer.${around}`, rows: [[0, out]] }];
  // diffusers has scale before shift here.
  if (path === "final_layer.adaLN_modulation.1") {
    const half = out / 2;
    return [
      {
        name: "transformer.norm_out.linear",
        rows: [
          [half, half],
          [0, half],
        ],
      },
    ];
  }
  const double = /^double_blocks\.(\d+)\.(.+)$/.exec(path);
  if (double !== null) {
    const names = DOUBLE[double[2]!]!;
    return consecutive(
      names.map((name) => [`transformer.transformer_blocks.${double[1]}.${name}`, out / names.length] as const),
    );
  }
  const [, number, layer] = /^single_blocks\.(\d+)\.(.+)$/.exec(path)!;
  const block = `transformer.single_transformer_blocks.${number}`;
  if (layer === "linear2") return [{ name: `${block}.proj_out`, rows: [[0, out]] }];
  if (layer === "modulation.lin") return [{ name: `${block}.norm.linear`, rows: [[0, out]] }];
  // q, k and v are as wide as the model, the first layer of the MLP four times as wide.
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
    const part: ModulePart = { name, rows: [[from, count]] };
    from += count;
    return part;
  });
}
