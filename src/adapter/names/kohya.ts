import { isKohyaName } from "./components.ts";
import { componentsOf, type Family, familiesOf } from "./families.ts";

/** The components that a prefix of kohya's keys may stand for: a denoiser is a UNet, or has its own code's names. */
const PREFIXES: readonly (readonly [prefix: string, components: readonly string[]])[] = [
  ["lora_unet_", ["unet", "diffusion_model"]],
  ["lora_te_", ["text_encoder"]],
  ["lora_te1_", ["text_encoder"]],
  ["lora_te2_", ["text_encoder_2"]],
  ["lora_te3_", ["text_encoder_3"]],
];

/**
 * The modules that the names of a file in kohya's keys mean. The family is decided once for all names of a prefix. Where no family has
 * them all, they stay as they are: such files merge with each other, and nothing is renamed by guess.
 *
 * @param stems the keys without their endings
 * @returns the module of each stem
 */
export function modulesOfKohya(stems: readonly string[]): Map<string, string> {
  const modules = new Map(stems.map((stem) => [stem, stem]));
  for (const [prefix, components] of PREFIXES) {
    const own = stems.filter((stem) => stem.startsWith(prefix));
    for (const family of familiesOf(components)) {
      const component = components.find((candidate) => family.components.includes(candidate))!;
      const paths = new Map<string, string>();
      for (const stem of own) {
        const path = pathOf(stem.slice(prefix.length), component, family);
        if (path === null) break;
        paths.set(stem, path);
      }
      if (paths.size < own.length) continue;
      for (const [stem, path] of paths) modules.set(stem, `${component}.${path}`);
      break;
    }
  }
  return modules;
}

/** Some converters leave the component's own name after the prefix. */
function pathOf(rest: string, component: string, { dotted }: Family): string | null {
  return dotted(rest.startsWith(`${component}_`) ? rest.slice(component.length + 1) : rest);
}

/**
 * The names of modules in kohya's keys: prefix and path with underscores for dots, where the component's family is known; names that
 * are already kohya's stay.
 *
 * @param modules all modules of an adapter
 * @returns the name of each module, null where only guessing could give one
 */
export function kohyaNames(modules: readonly string[]): Map<string, string | null> {
  const components = componentsOf(modules);
  const names = new Map<string, string | null>();
  for (const { name, paths, family } of components) {
    const prefix = name === null || family === null ? null : prefixOf(name, components);
    for (const path of paths) {
      const module = name === null ? path : `${name}.${path}`;
      if (isKohyaName(module)) names.set(module, module);
      else names.set(module, prefix === null ? null : `${prefix}${path.replaceAll(".", "_")}`);
    }
  }
  return names;
}

/** Pipelines with several text encoders call the first te1: all but Stable Diffusion 1 and 2, whose attentions are one block deep. */
function prefixOf(component: string, all: ReturnType<typeof componentsOf>): string {
  if (component !== "text_encoder") return PREFIXES.find(([, known]) => known.includes(component))![0];
  const several = all.some(({ name, paths, family }) => {
    if (family?.id === "unet") return paths.some((path) => /\.transformer_blocks\.[1-9]|^add_embedding\./.test(path));
    return name !== "text_encoder";
  });
  return several ? "lora_te1_" : "lora_te_";
}
