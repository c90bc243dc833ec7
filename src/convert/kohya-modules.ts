import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { componentOf, isKohyaName } from "../adapter/names/components.ts";
import { inFamily } from "../adapter/weights/in-family.ts";
import { placeOf, stackParts } from "../adapter/weights/whole.ts";
import { familyById, TEXT_ENCODERS } from "../families/families.ts";
import type { Family } from "../families/family.ts";

/** What kohya's keys begin with, by component. */
const PREFIXES: Readonly<Record<string, string>> = {
  unet: "lora_unet_",
  diffusion_model: "lora_unet_",
  text_encoder: "lora_te_",
  text_encoder_2: "lora_te2_",
  text_encoder_3: "lora_te3_",
};

/** A module in kohya's keys: the beginning of its keys, null where only guessing could give one. */
export interface KohyaModule {
  readonly stem: string | null;
  readonly module: AdapterModule;
}

/**
 * An adapter's modules in kohya's keys: prefix and path in the model's own code with underscores for dots, where the component's family is
 * known; parts of a weight are stacked. Names that are already kohya's stay.
 */
export function modulesInKohya(adapter: Adapter): KohyaModule[] {
  const { name, families, modules: named } = inFamily(adapter);
  const family = families[0] === undefined ? null : familyById(families[0]);
  const modules = family === null ? named : stackParts(name, named.values(), family, () => true);
  const te1 = severalEncoders([...modules.keys()]);
  return Array.from(modules.values(), (module): KohyaModule => {
    if (isKohyaName(module.name)) return { stem: module.name, module };
    const component = componentOf(module.name);
    if (component === null || !isKnown(module.name, family)) return { stem: null, module };
    const prefix = te1 && component === "text_encoder" ? "lora_te1_" : PREFIXES[component];
    if (prefix === undefined) return { stem: null, module };
    return { stem: prefix + module.name.slice(component.length + 1).replaceAll(".", "_"), module };
  });
}

function isKnown(module: string, family: Family | null): boolean {
  if (module.startsWith("text_encoder")) return TEXT_ENCODERS.some((one) => placeOf(one, module) !== null);
  return family !== null && placeOf(family, module) !== null;
}

/** Pipelines with several text encoders call the first te1: all but Stable Diffusion 1 and 2, whose attentions are one block deep. */
function severalEncoders(modules: readonly string[]): boolean {
  return modules.some((module) => {
    const component = componentOf(module);
    if (component === "unet") return /\.transformer_blocks\.[1-9]|\.add_embedding\./.test(module);
    return component !== "text_encoder";
  });
}
