import { spelled } from "./beginnings.ts";
import { ofImageModel } from "./components.ts";

/** Two modules that must not both be in one merge, and the adapters that have them. */
export interface Clash {
  readonly modules: readonly [string, string];
  /** Indices of the adapters; equal where one adapter has both modules. */
  readonly adapters: readonly [number, number];
}

/** What a model's own code and diffusers call the same layers of a denoiser, with underscores for dots. */
const STYLES: readonly (readonly [own: RegExp, diffusers: RegExp])[] = [
  [/^(?:double|single|joint)_blocks_\d/, /^(?:single_)?transformer_blocks_\d/],
  [/^(?:input_blocks|output_blocks|middle_block)_/, /^(?:down_blocks|up_blocks|mid_block)_/],
  [/^blocks_\d+_(?:self|cross)_attn_/, /^blocks_\d+_attn[12]_/],
  [/^blocks_\d+_ffn_[02]$/, /^blocks_\d+_ffn_net_/],
  [/^layers_\d+_attention_/, /^layers_\d+_attn_/],
  [/_feed_forward_w[123]$/, /_feed_forward_linear_[123]$/],
];

/** Layers that some models fuse, by the ends of their names, and the names of their parts elsewhere. */
const FUSED: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /(?<=[._])(?:qkv|qkv_proj|Wqkv|query_key_value)$/,
    ["to_q", "to_k", "to_v", "q_proj", "k_proj", "v_proj", "q", "k", "v"],
  ],
  [/(?<=[._])gate_up_proj$/, ["gate_proj", "up_proj"]],
];

/**
 * Find two names that stand for one weight, or for a weight and a part of it: one path with dots and with underscores, a pipeline's part
 * with two names, a fused layer next to its parts. Merged as two modules, they would overwrite each other when the result is loaded.
 *
 * @param adapters the names of their modules
 * @returns the first found, or null
 */
export function clashOf(adapters: readonly (readonly string[])[]): Clash | null {
  const holders = new Map<string, number>();
  const marked = new Map<string, { readonly value: string; readonly module: string }>();
  const clash = (one: string, other: string): Clash => {
    return { modules: [one, other], adapters: [holders.get(one)!, holders.get(other)!] };
  };
  for (const [adapter, modules] of adapters.entries()) {
    const image = ofImageModel(modules);
    for (const module of modules) {
      if (holders.has(module)) continue;
      holders.set(module, adapter);
      for (const [mark, value] of image ? marksOf(module) : []) {
        const earlier = marked.get(mark);
        if (earlier === undefined) marked.set(mark, { value, module });
        else if (earlier.value !== value) return clash(earlier.module, module);
      }
    }
  }
  for (const module of holders.keys()) {
    for (const [end, parts] of FUSED) {
      if (!end.test(module)) continue;
      const part = parts.map((name) => module.replace(end, name)).find((name) => holders.has(name));
      if (part !== undefined) return clash(module, part);
    }
  }
  return null;
}

/** Keys that may have only one spelling in a merge, with this module's spelling. */
function marksOf(module: string): [mark: string, value: string][] {
  const found = spelled(module);
  if (found === null) return [];
  const { part, beginning } = found;
  const path = found.path.replaceAll(".", "_");
  const marks: [string, string][] = [
    [`path of ${part}: ${path}`, module],
    [`way of ${part}`, beginning],
  ];
  for (const [style, sides] of part === "denoiser" ? STYLES.entries() : []) {
    const side = sides.findIndex((pattern) => pattern.test(path));
    if (side >= 0) marks.push([`style ${style}`, String(side)]);
  }
  return marks;
}
