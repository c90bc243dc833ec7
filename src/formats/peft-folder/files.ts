/** The files of a PEFT folder: its weights, and the config beside them (mlx-lm calls its own config the same). */
export const WEIGHTS_FILE = "adapter_model.safetensors";
export const CONFIG_FILE = "adapter_config.json";
/** The weights as older releases of PEFT save them, as some trainers do, and as converters to GGUF call theirs. */
export const PICKLED_WEIGHTS_FILE = "adapter_model.bin";
export const TORCH_WEIGHTS_FILE = "adapter_model.pt";
export const GGUF_WEIGHTS_FILE = "adapter_model.gguf";

const WEIGHTS = /\.(?:safetensors|bin|pt|pth|gguf)$/;
const INDEX = /\.safetensors\.index\.json$/;
/** Browsers put a number behind the name of a second download: "adapter_config (1).json". */
const CONFIG = /^adapter_config.*\.json$/;
const OWN_WEIGHTS = /^adapter_model(.*?)\.(?:safetensors|bin|pt|pth|gguf)/;

/** Whether a file may hold an adapter's weights, by its suffix. */
export function isWeightsFile(file: string): boolean {
  return WEIGHTS.test(file);
}

/** Whether a file may say which of its neighbours hold which tensors. */
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

/** The config that was saved with these weights: "adapter_model (1).safetensors" has "adapter_config (1).json". */
export function configNameBeside(weights: string): string {
  return `adapter_config${OWN_WEIGHTS.exec(weights)?.[1] ?? ""}.json`;
}
