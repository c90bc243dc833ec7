import type { Adapter } from "../../adapter/adapter.ts";
import { type Spelled, spelled } from "../../adapter/names/beginnings.ts";
import { familyById } from "../../families/families.ts";
import type { Family, Place } from "../../families/family.ts";
import { FLUX1 } from "../../families/flux1.ts";
import { type Found, filledIn } from "../../families/name-table.ts";
import { Z_IMAGE } from "../../families/z-image.ts";

/** The modules of an image model's file by whether a program finds them by their names. */
export interface FoundNames {
  readonly found: number;
  readonly of: number;
  /** What the file calls one that is not found. */
  readonly lost: string | null;
}

/** What is asked of an adapter. */
interface NamedAdapter extends Pick<Adapter, "families"> {
  /** By their names here; B keeps the name that it has in the file. */
  readonly modules: ReadonlyMap<string, { readonly name: string; readonly b: { readonly name: string } }>;
}

/** A denoiser's module as its file names it. */
interface NamedModule {
  readonly stem: string;
  /** Whether its factors are called lora_down and lora_up. */
  readonly down: boolean;
  readonly spelled: Spelled;
  readonly place: Found<Place>;
}

/**
 * How many of a denoiser's modules a program finds by their names in the file.
 *
 * @returns null where that is not known: for other families, several that the program treats differently, files that no trainer writes,
 *   and ways to name a UNet that have rules of their own or were not tried
 */
export function foundNames(adapter: NamedAdapter, program: string): FoundNames | null {
  const [first, ...others] = adapter.families.map((id) => foundInFamily(adapter, id, program));
  const same = others.every((other) => other?.found === first?.found);
  return first === undefined || !same ? null : first;
}

function foundInFamily(adapter: NamedAdapter, id: string, program: string): FoundNames | null {
  const names = Array.from(adapter.modules.values(), ({ b }) => b.name);
  if (names.some(isXlabs)) return inXlabs(names, program);
  const family = familyById(id);
  const modules = namedModules(adapter, family, program);
  if (modules === null || modules.length === 0) return null;
  if (id === "unet") return inUnet(modules, program);
  if (program === "comfyui") return inComfyui(family, modules);
  return program === "diffusers" ? inDiffusers(family, modules) : null;
}

/** What stands after a module's name in the key of its B. */
const ENDING = /(?:\.lora_B|[._]lora_up|\.lora\.up|\.lora_linear_layer\.up)(?:\.default)?\.weight$/;
/** The same in files of LoKr and LoHa, which ComfyUI finds by the same names. */
const LYCORIS_ENDING = /\.(?:lokr_w1|lokr_w1_a|hada_w1_a)$/;

function namedModules({ modules }: NamedAdapter, family: Family, program: string): NamedModule[] | null {
  const named: NamedModule[] = [];
  for (const { name, b } of modules.values()) {
    if (name.startsWith("text_encoder")) continue;
    const plain = b.name.replace(ENDING, "");
    const stem = program === "comfyui" ? plain.replace(LYCORIS_ENDING, "") : plain;
    const own = stem === b.name ? null : spelled(stem);
    const place = own === null ? null : family.find(own.path, own.underscored);
    if (own === null || place === null) return null;
    named.push({ stem, down: b.name.includes("lora_up"), spelled: own, place });
  }
  return named;
}

/** Attention layers of a UNet by diffusers' names with underscores, which alone were tried in diffusers. */
const UNET_ATTENTION = /^(?:down_blocks|mid_block|up_blocks)_.*attentions_\d+_/;

/** A UNet's names: diffusers' own, and kohya's, which ComfyUI knows by ldm's paths and by diffusers' (comfy/lora.py). */
function inUnet(modules: readonly NamedModule[], program: string): FoundNames | null {
  const isFound = ({ spelled: { beginning, path } }: NamedModule): boolean => {
    if (beginning === "unet.") return program === "diffusers";
    return beginning === "lora_unet_" && (program === "comfyui" || UNET_ATTENTION.test(path));
  };
  return modules.every(isFound) ? { found: modules.length, of: modules.length, lost: null } : null;
}

/** Whether a tensor's name is XLabs' for Flux. */
export function isXlabs(name: string): boolean {
  return /\.processor\.(?:qkv|proj)_lora[12]?\.(?:down|up)\.weight$/.test(name);
}

/** XLabs' names, which diffusers takes, and ComfyUI in files of whole models: it looks for the last blocks (comfy/lora_convert.py). */
function inXlabs(names: readonly string[], program: string): FoundNames | null {
  if (!names.every(isXlabs)) return null;
  const of = names.length;
  const last = ["single_blocks.37.processor.qkv_lora.up.weight", "double_blocks.18.processor.qkv_lora2.up.weight"];
  const found = program === "diffusers" || last.every((name) => names.includes(name));
  return found ? { found: of, of, lost: null } : { found: 0, of, lost: names[0]!.replace(/\.up\.weight$/, "") };
}

/** Whether a name is the one of the model's own code, as ComfyUI has it, which is ours. */
function isOwn({ spelled: { path, underscored }, place: { value, numbers } }: NamedModule): boolean {
  if (value.part !== null) return false;
  const own = filledIn(value.weight.path, numbers);
  return path === (underscored ? own.replaceAll(".", "_") : own);
}

/** Families of whose names in diffusers ComfyUI knows some, by what these may begin with. */
const DIFFUSERS_IN_COMFYUI: Readonly<Record<string, readonly string[]>> = {
  flux1: ["transformer.", "lora_transformer_", "lycoris_"],
  chroma: ["transformer.", "lora_transformer_", "lycoris_"],
  flux2: ["transformer.", "lora_transformer_", "lycoris_"],
  sd3: ["transformer.", "lora_transformer_", "lycoris_"],
  pixart: ["transformer."],
  "z-image": ["diffusion_model.", "transformer.", "lycoris_", ""],
  lumina2: ["diffusion_model.", "transformer.", "lycoris_", ""],
};
/** Families whose names ComfyUI takes for those of another family, so that it knows what both have. */
const TAKEN_FOR: Readonly<Record<string, Family>> = { chroma: FLUX1, flux2: FLUX1, lumina2: Z_IMAGE };

function inComfyui(family: Family, modules: readonly NamedModule[]): FoundNames | null {
  const wanFun = modules.some(({ stem }) => stem === "lora_unet__blocks_0_cross_attn_k");
  const isFound = (module: NamedModule): boolean => {
    const { beginning, path, underscored } = module.spelled;
    if (isOwn(module)) {
      if (beginning === "lora_unet_" || beginning === "diffusion_model.") return true;
      if (beginning === "lora_unet__") return wanFun;
      if (family.id === "qwen-image") return ["", "transformer.", "lycoris_"].includes(beginning);
    }
    if (family.id === "hunyuan-video")
      return /^(?:transformer|diffusion_model)\.$/.test(beginning) && isOriginal(module);
    const other = TAKEN_FOR[family.id];
    const place = other === undefined ? module.place : other.find(path, underscored);
    if (place === null || place.value.weight.path !== module.place.value.weight.path) return false;
    const known = place.value.inDiffusers || sameInDiffusers(place);
    return known && DIFFUSERS_IN_COMFYUI[family.id]?.includes(beginning) === true;
  };
  const lost = modules.filter((module) => !isFound(module));
  return { found: modules.length - lost.length, of: modules.length, lost: lost[0]?.stem ?? null };
}

/** HunyuanVideo's names as ComfyUI derives the original code's from its own. */
function isOriginal({ spelled: { path }, place: { value, numbers } }: NamedModule): boolean {
  const own = filledIn(value.weight.path, numbers);
  const original = own
    .replace(/_mod\.lin$/, "_mod.linear")
    .replace(/_attn\.(qkv|proj)$/, "_attn_$1")
    .replace(/mlp\.0$/, "mlp.fc1")
    .replace(/mlp\.2$/, "mlp.fc2")
    .replace(/\.modulation\.lin$/, ".modulation.linear");
  return value.part === null && path === original;
}

/** What diffusers makes of a file: it finds all modules, those of attentions and MLPs in blocks, or none. */
type Extent = "all" | "blocks" | "none";

/**
 * What diffusers does with other names than transformer. and its own, which it takes of every family. Each way is what names begin with
 * and whose paths follow; "down" are files with lora_down. Ways that are not listed find some, stop with an error, or were not tried.
 */
const IN_DIFFUSERS: Readonly<Record<string, Readonly<Partial<Record<Extent, string>>>>> = {
  flux1: {
    blocks: "lora_unet_:own diffusion_model.:own:down",
    none: "diffusion_model.:own transformer.:own :own diffusion_model.:diffusers :diffusers lycoris_:diffusers",
  },
  wan: {
    blocks: "lora_unet_:own diffusion_model.:own diffusion_model.:own:down",
    none: ":own :diffusers lora_transformer_:diffusers lycoris_:diffusers",
  },
  "qwen-image": {
    all: "lora_unet_:own diffusion_model.:own diffusion_model.:own:down",
    none: "lora_transformer_:diffusers lycoris_:diffusers",
  },
  "z-image": {
    all: "diffusion_model.:diffusers lora_unet_:diffusers",
    blocks: "lora_unet_:own",
    none: "lora_unet__:own lora_transformer_:diffusers lycoris_:diffusers",
  },
  "hunyuan-video": {
    blocks: "diffusion_model.:original transformer.:original",
    none: "diffusion_model.:own diffusion_model.:own:down transformer.:own :own diffusion_model.:diffusers :diffusers lora_unet_:diffusers lora_transformer_:diffusers lycoris_:diffusers",
  },
  chroma: {
    blocks: "lora_unet_:own diffusion_model.:own:down",
    none: "diffusion_model.:own :own diffusion_model.:diffusers :diffusers lycoris_:diffusers",
  },
  sd3: {
    none: "lora_unet_:own lora_unet__:own diffusion_model.:own diffusion_model.:own:down :own diffusion_model.:diffusers :diffusers lora_unet_:diffusers lora_transformer_:diffusers lycoris_:diffusers",
  },
  lumina2: {
    none: "lora_unet_:own lora_unet__:own :own :diffusers lora_unet_:diffusers lora_transformer_:diffusers lycoris_:diffusers",
  },
  flux2: {
    blocks: "lora_unet_:own diffusion_model.:own diffusion_model.:diffusers",
    none: "lora_unet__:own diffusion_model.:own:down transformer.:own :own :diffusers lora_unet_:diffusers lora_transformer_:diffusers lycoris_:diffusers",
  },
  ltx: {
    all: "diffusion_model.:diffusers",
    blocks: "diffusion_model.:own transformer.:own",
    none: "lora_unet_:own lora_unet__:own diffusion_model.:own:down :own :diffusers lora_unet_:diffusers lora_transformer_:diffusers lycoris_:diffusers",
  },
};

/** What is no attention or MLP of the blocks that trainers adapt. */
const BESIDE_BLOCKS = /_mod\.|mod\.1|modulation|adaLN|patch|embed|txt_in|distilled/;

function inDiffusers({ id }: Family, modules: readonly NamedModule[]): FoundNames | null {
  const of = modules.length;
  const [{ spelled: first, stem, down }] = modules as [NamedModule, ...NamedModule[]];
  if (modules.some((module) => module.spelled.beginning !== first.beginning || module.down !== down)) return null;
  const extents = new Set(
    PATHS.flatMap(([paths, isOne]) => (modules.every(isOne) ? [extentOf(id, first, paths, down)] : [])),
  );
  const [extent, ...others] = extents;
  if (extent === undefined || extent === null || others.length > 0) return null;
  if (extent === "none") return { found: 0, of, lost: stem };
  const inBlocks = modules.every(({ place: { value } }) => {
    return value.weight.path.includes("#") && !BESIDE_BLOCKS.test(value.weight.path);
  });
  return extent === "all" || inBlocks ? { found: of, of, lost: null } : null;
}

function extentOf(id: string, { beginning, underscored }: Spelled, paths: string, down: boolean): Extent | null {
  if (beginning === "transformer." && paths === "diffusers" && id !== "pixart") return "all";
  const way = `${beginning}:${paths}${down && !underscored ? ":down" : ""}`;
  const known = Object.entries(IN_DIFFUSERS[id] ?? {}) as [Extent, string][];
  return known.find(([, ways]) => ways.split(" ").includes(way))?.[0] ?? null;
}

/** Whose paths a file has, as far as each module tells. */
const PATHS: readonly (readonly [paths: string, isOne: (module: NamedModule) => boolean])[] = [
  ["diffusers", ({ place }) => place.value.inDiffusers || sameInDiffusers(place)],
  ["own", isOwn],
  ["original", (module) => isOriginal(module)],
];

/** Whether diffusers and the model's own code have the same name for a weight. */
function sameInDiffusers({ value }: Found<Place>): boolean {
  return value.part === null && value.weight.diffusers === value.weight.path;
}
