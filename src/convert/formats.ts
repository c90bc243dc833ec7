import type { VariantId } from "../adapter/variants.ts";
import type { FormatWriter } from "./conversion.ts";

/** Formats that users can ask for; comfyui is whichever of ComfyUI's two formats can hold the modules. */
export const FORMAT_IDS = ["peft", "kohya", "diffusers", "comfyui", "mlx", "gguf"] as const;
/** A format that can be asked for. */
export type FormatId = (typeof FORMAT_IDS)[number];
/** A format that has a writer. */
export type WrittenFormat = Exclude<FormatId, "comfyui">;

/** A folder, or a single file with this suffix. */
export const OUTPUT_FORMS = ["folder", ".safetensors", ".gguf"] as const;
/** What an output is: a folder, or a single file of a suffix. */
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** What is known of a format without its writer, which is loaded only where something is written. */
interface Format {
  readonly forms: readonly OutputForm[];
  /** What it holds of an adapter that is more than deltas. */
  readonly variants: readonly VariantId[];
  load(): Promise<FormatWriter>;
}

/** The formats that can be written. */
export const FORMATS: Readonly<Record<WrittenFormat, Format>> = {
  peft: {
    forms: ["folder"],
    variants: ["lora_bias", "token_indices", "alora"],
    load: async () => (await import("./writers/peft.ts")).peftWriter,
  },
  kohya: { forms: [".safetensors"], variants: [], load: async () => (await import("./writers/kohya.ts")).kohyaWriter },
  diffusers: {
    forms: ["folder", ".safetensors"],
    variants: [],
    load: async () => (await import("./writers/diffusers.ts")).diffusersWriter,
  },
  mlx: { forms: ["folder"], variants: ["dora"], load: async () => (await import("./writers/mlx.ts")).mlxWriter },
  gguf: { forms: [".gguf"], variants: ["alora"], load: async () => (await import("./writers/gguf.ts")).ggufWriter },
};

/** The formats that have a writer. */
export const WRITTEN_FORMATS: readonly WrittenFormat[] = Object.keys(FORMATS) as WrittenFormat[];
