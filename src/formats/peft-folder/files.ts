/** The files of a PEFT folder: its weights, and the config next to them (mlx-lm uses the same name for its own config). */
export const WEIGHTS_FILE = "adapter_model.safetensors";
export const CONFIG_FILE = "adapter_config.json";
/** Names of the weights in older releases of PEFT, from some trainers, and from converters to GGUF. */
export const PICKLED_WEIGHTS_FILE = "adapter_model.bin";
export const TORCH_WEIGHTS_FILE = "adapter_model.pt";
export const GGUF_WEIGHTS_FILE = "adapter_model.gguf";

const WEIGHTS = /\.(?:safetensors|bin|pt|pth|gguf)$/;
const INDEX = /\.safetensors\.index\.json$/;
/** Browsers add a number to the name of a second download: "adapter_config (1).json". */
const CONFIG = /^adapter_config.*\.json$/;
/** mlx-lm's weights, and shards. */
const OF_FOLDER = /^adapters\.safetensors$|-\d{5}-of-\d{5}\.safetensors$/;
const OWN_WEIGHTS = /^adapter_model(.*?)\.(?:safetensors|bin|pt|pth|gguf)/;

/** Whether a file may hold an adapter's weights, by its suffix. */
export function isWeightsFile(file: string): boolean {
  return WEIGHTS.test(file);
}

/** Whether a file may be an index of shards. */
export function isIndexFile(file: string): boolean {
  return INDEX.test(file);
}

/** Whether a file is an adapter's config, by its name. */
export function isConfigFile(file: string): boolean {
  return CONFIG.test(file);
}

/** Whether a file has the name that PEFT gives an adapter's weights. */
export function hasWeightsName(file: string): boolean {
  return file.startsWith("adapter_model");
}

/** Whether a file is a part of the one adapter that its folder holds, by its name: all but weights with a name of their own. */
export function isOfFolder(file: string): boolean {
  return isConfigFile(file) || isIndexFile(file) || hasWeightsName(file) || OF_FOLDER.test(file);
}

/** Whether a folder is no adapter itself, but holds several that are one file each, as those of image models lie. */
export function holdsSingleFiles(names: readonly string[]): boolean {
  return names.filter(isWeightsFile).length > 1 && !names.some(isOfFolder);
}

/** The config that was saved with these weights: "adapter_model (1).safetensors" has "adapter_config (1).json". */
export function configNameBeside(weights: string): string {
  return `adapter_config${OWN_WEIGHTS.exec(weights)?.[1] ?? ""}.json`;
}

/** Whether JSON is the config of an adapter, whatever its file is called. */
export function isAdapterConfig(value: unknown): boolean {
  return typeof value === "object" && value !== null && "peft_type" in value;
}
