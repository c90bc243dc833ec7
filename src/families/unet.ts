import { type BlockNotes, numbered } from "./blocks.ts";
import { defineFamily, type Family, type Place } from "./family.ts";
import { expanded, type Found, filledIn, nameTable } from "./name-table.ts";

/** Inside one attention of a UNet. */
const ATTENTION = [
  "{proj_in,proj_out}",
  "transformer_blocks.#.{attn1,attn2}.{to_q,to_k,to_v,to_out.0}",
  "transformer_blocks.#.ff.net.{0.proj,2}",
];

/** As diffusers names the modules, which are their names here. */
const PATHS = [
  "{conv_in,conv_out}",
  "{time_embedding,add_embedding}.{linear_1,linear_2}",
  ...ATTENTION.map((rest) => `{down_blocks.#,mid_block,up_blocks.#}.attentions.#.${rest}`),
  "{down_blocks.#,mid_block,up_blocks.#}.resnets.#.{conv1,conv2,time_emb_proj,conv_shortcut}",
  "{down_blocks.#.downsamplers,up_blocks.#.upsamplers}.0.conv",
];

/** In its oldest age, diffusers left the number out of the list of one layer. */
const OUT = "{down_blocks.#,mid_block,up_blocks.#}.attentions.#.transformer_blocks.#.{attn1,attn2}.to_out";

/** As the original code names them (ldm, sgm); `unetOfLdm` maps these to diffusers' names. */
const LDM = [
  "{input_blocks.0.0,out.2,time_embed.0,time_embed.2,label_emb.0.0,label_emb.0.2}",
  ...ATTENTION.map((rest) => `{input_blocks.#,middle_block,output_blocks.#}.1.${rest}`),
  "{input_blocks.#.0,middle_block.0,middle_block.2,output_blocks.#.0}.{in_layers.2,emb_layers.1,out_layers.3,skip_connection}",
  "{input_blocks.#.0.op,output_blocks.#.1.conv,output_blocks.#.2.conv}",
];

/**
 * As sd-webui-lora-block-weight writes them: all 26; the 17 with attentions in Stable Diffusion 1 and 2; the 20 of XL; its 12 with
 * attentions. Blocks that a list leaves out get 0.
 */
const BLOCKS: BlockNotes = {
  names: { "input_blocks.#": ["IN#"], middle_block: ["M00", "MID"], "output_blocks.#": ["OUT#"] },
  lists: [
    ["BASE", "IN04", "IN05", "IN07", "IN08", "M00", ...numbered("OUT", 0, 5)],
    ["BASE", "IN01", "IN02", "IN04", "IN05", "IN07", "IN08", "M00", ...numbered("OUT", 3, 11)],
    ["BASE", ...numbered("IN", 0, 8), "M00", ...numbered("OUT", 0, 8)],
    ["BASE", ...numbered("IN", 0, 11), "M00", ...numbered("OUT", 0, 11)],
  ],
  unlisted: 0,
};

const BY_DIFFUSERS = defineFamily({
  id: "unet",
  title: "Stable Diffusion",
  components: ["unet"],
  blocks: BLOCKS,
  networkModule: "networks.lora",
  weights: Object.fromEntries(PATHS.map((path) => [path, path])),
  also: { [`${OUT}.0`]: OUT },
});
const BY_LDM = nameTable(LDM.flatMap(expanded).map((path) => [path, path] as const));

/** UNets of Stable Diffusion 1, 2 and XL. The numbers of blocks differ between the two styles, so that one is computed from the other. */
export const UNET: Family = {
  ...BY_DIFFUSERS,
  find(path, underscored): Found<Place> | null {
    const found = underscored ? BY_LDM.findUnderscored(path) : BY_LDM.find(path);
    const there = found === null ? null : unetOfLdm(filledIn(found.value, found.numbers));
    return there === null ? BY_DIFFUSERS.find(path, underscored) : BY_DIFFUSERS.find(there, false);
  },
  pathsOf(found) {
    const paths = BY_DIFFUSERS.pathsOf(found);
    const inner = INNER_BLOCK.exec(paths[0]!)?.[0] ?? "";
    const there = LDM_PATHS.get(paths[0]!.replace(INNER_BLOCK, "#")) ?? [];
    return [...paths, ...there.map((path) => path.replace("#", inner))];
  },
};

/** Names inside a residual block, from ldm's to diffusers'. */
const RESNET: Readonly<Record<string, string>> = {
  "in_layers.2": "conv1",
  "emb_layers.1": "time_emb_proj",
  "out_layers.3": "conv2",
  skip_connection: "conv_shortcut",
};

/** Modules outside the blocks. */
const AROUND: Readonly<Record<string, string>> = {
  "input_blocks.0.0": "conv_in",
  "out.2": "conv_out",
  "time_embed.0": "time_embedding.linear_1",
  "time_embed.2": "time_embedding.linear_2",
  "label_emb.0.0": "add_embedding.linear_1",
  "label_emb.0.2": "add_embedding.linear_2",
};

/**
 * diffusers' name of a UNet module that ldm's code named: three input blocks make one down block (two layers and a
 * downsampler), three output blocks one up block. In each, part 0 is a residual block and part 1 an attention.
 *
 * @returns null for any other name
 */
function unetOfLdm(path: string): string | null {
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
  if (side === "output" && rest === "conv") return index % 3 === 2 ? `${where}.upsamplers.0.conv` : null;
  return part === "0" ? inResnet(`${where}.resnets.${index % 3}`, rest) : `${where}.attentions.${index % 3}.${rest}`;
}

function inResnet(block: string, rest: string): string | null {
  const name = RESNET[rest];
  return name === undefined ? null : `${block}.${name}`;
}

/** The number of a transformer block inside an attention. */
const INNER_BLOCK = /(?<=\.transformer_blocks\.)\d+/;

/** ldm's names by diffusers', both with # for the number of a transformer block; filled by computing all of ldm's. */
const LDM_PATHS = new Map<string, string[]>();
for (const pattern of LDM.flatMap(expanded)) {
  for (let block = 0; block < 12; block++) {
    const path = pattern.replace(/^(input|output)_blocks\.#/, `$1_blocks.${block}`);
    const there = unetOfLdm(path);
    if (there === null) continue;
    LDM_PATHS.set(there, [...new Set([...(LDM_PATHS.get(there) ?? []), path])]);
  }
}

/** The width of the text that Stable Diffusion 1 attends to; 1024 in 2, 2048 in XL. */
const TEXT_OF_SD1 = 768;

/**
 * The kernel of a UNet's convolution by its path in diffusers. What leads into attentions and out of them is a convolution in Stable
 * Diffusion 1 alone.
 *
 * @param textWidth inputs of `attn2.to_k`; null where that is not known
 * @returns null for linear layers
 */
export function unetKernel(path: string, textWidth: number | null): readonly [number, number] | null {
  if (/(^|\.)(conv|conv1|conv2|conv_in|conv_out)$/.test(path)) return [3, 3];
  const single = /\.conv_shortcut$/.test(path) || (/\.proj_(in|out)$/.test(path) && textWidth === TEXT_OF_SD1);
  return single ? [1, 1] : null;
}
