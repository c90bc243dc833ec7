import type { AdapterModule } from "../read-adapter.ts";
import { componentOf, isKohyaName, ofImageModel } from "./components.ts";
import { componentsOf, familyOf } from "./families.ts";
import { fluxOf, fluxParts, type ModulePart } from "./flux.ts";

/**
 * The modules that the paths of a file in the diffusers dialect mean. Paths without a component get one where all belong to one family
 * (a UNet in diffusers' oldest age, Flux in its own code's names), else they stay as they are. A UNet's to_out is a list of one layer.
 */
export function modulesOfDiffusers(paths: readonly string[]): Map<string, string> {
  const modules = new Map(paths.map((path) => [path, path]));
  const rename = (own: readonly string[], component: string, pathOf: (path: string) => string): boolean => {
    if (familyOf(component, own.map(pathOf)) === null) return false;
    for (const path of own) modules.set(path, `${component}.${pathOf(path)}`);
    return true;
  };
  const bare = paths.filter((path) => componentOf(path) === null);
  const unet = (path: string): string => path.replace(/^unet\./, "").replace(/\.to_out$/, ".to_out.0");
  rename(
    paths.filter((path) => path.startsWith("unet.")),
    "unet",
    unet,
  );
  if (!rename(bare, "unet", unet)) rename(bare, "diffusion_model", (path) => path);
  return modules;
}

/** The names that a conversion to diffusers gives an adapter's modules; null where it refuses one. @param own as in `diffusersNames` */
export function namesInDiffusers(
  modules: readonly Pick<AdapterModule, "name" | "in" | "out">[],
  own: boolean,
): string[] | null {
  const all: string[] = [];
  for (const parts of diffusersNames(modules, own).values()) {
    if (typeof parts === "string") return null;
    all.push(...parts.map(({ name }) => name));
  }
  return all;
}

/** Why diffusers has no name for a module. */
export type Unnamed = "kohya" | "language" | "t5" | "chroma" | "rows";

/**
 * What diffusers calls each module of an adapter. Only Flux.1 in its own code's names is renamed.
 *
 * @param own whether the names come from the diffusers dialect
 * @returns the layers that share a module, or why there is none
 */
export function diffusersNames(
  modules: readonly Pick<AdapterModule, "name" | "in" | "out">[],
  own: boolean,
): Map<string, readonly ModulePart[] | Unnamed> {
  const names = modules.map(({ name }) => name);
  const image = ofImageModel(names);
  const families = new Map(componentsOf(names).map(({ name, family }) => [name, family?.id]));
  const model = fluxOf(modules);
  const partsOf = ({ name, out }: (typeof modules)[number]): readonly ModulePart[] | Unnamed => {
    if (isKohyaName(name)) return "kohya";
    const same: readonly ModulePart[] = [{ name, rows: [[0, out]] }];
    const component = componentOf(name);
    if (component === null) return image ? same : "language";
    const family = families.get(component);
    if (family === "t5" && !own) return "t5";
    if (family !== "flux" || model === "Flux.2" || (model === "Chroma" && own)) return same;
    return model === "Chroma" ? "chroma" : (fluxParts(name.slice(component.length + 1), out) ?? "rows");
  };
  return new Map(modules.map((module) => [module.name, partsOf(module)]));
}
