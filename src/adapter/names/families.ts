import { componentOf } from "./components.ts";
import { CLIP, FLUX, LDM_UNET, T5, UNET, unetOfLdm } from "./image-models.ts";
import type { NameTable } from "./name-table.ts";

/** A model, or part of one, whose module names are known. */
export interface Family {
  readonly id: "unet" | "flux" | "clip" | "t5";
  /** The components that it may be, as module names spell them here. */
  readonly components: readonly string[];
  /** Its modules without their component. */
  readonly names: NameTable;
  /** The module that a name with underscores for dots means, in any spelling; null where there is none. */
  readonly dotted: (underscored: string) => string | null;
}

const ENCODERS = ["text_encoder", "text_encoder_2", "text_encoder_3"];

const FAMILIES: readonly Family[] = [
  { id: "unet", components: ["unet"], names: UNET, dotted: unetDotted },
  { id: "flux", components: ["diffusion_model"], names: FLUX, dotted: FLUX.dotted },
  { id: "clip", components: ENCODERS, names: CLIP, dotted: CLIP.dotted },
  { id: "t5", components: ENCODERS, names: T5, dotted: T5.dotted },
];

function unetDotted(underscored: string): string | null {
  const ldm = LDM_UNET.dotted(underscored);
  const path = ldm === null ? UNET.dotted(underscored) : unetOfLdm(ldm);
  return path !== null && UNET.has(path) ? path : null;
}

/** The families that these components may belong to. */
export function familiesOf(components: readonly string[]): Family[] {
  return FAMILIES.filter((family) => family.components.some((component) => components.includes(component)));
}

/** The family that has every one of a component's paths; null where none has, or there are no paths. */
export function familyOf(component: string, paths: readonly string[]): Family | null {
  if (paths.length === 0) return null;
  return familiesOf([component]).find(({ names }) => paths.every((path) => names.has(path))) ?? null;
}

/** The names of one component of an adapter. */
export interface Component {
  /** Null for names without a component. */
  readonly name: string | null;
  /** Paths after the component's name. */
  readonly paths: readonly string[];
  /** The family that has every one of the paths; null where none has. */
  readonly family: Family | null;
}

/** The components of an adapter and their families, decided once per component. @param modules names of modules */
export function componentsOf(modules: Iterable<string>): Component[] {
  const paths = new Map<string | null, string[]>();
  for (const module of modules) {
    const component = componentOf(module);
    const path = component === null ? module : module.slice(component.length + 1);
    const found = paths.get(component);
    if (found === undefined) paths.set(component, [path]);
    else found.push(path);
  }
  return Array.from(paths, ([name, own]) => ({
    name,
    paths: own,
    family: name === null ? null : familyOf(name, own),
  }));
}
