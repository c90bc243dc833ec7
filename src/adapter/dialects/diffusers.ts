import { RefusedError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, parseStrictJson } from "../../formats/json.ts";
import { type PeftConfig, parsePeftConfig } from "../../formats/peft-config.ts";
import type { AdapterModule, TensorRef } from "../adapter.ts";
import type { AdapterContents, Dialect } from "../dialect.ts";
import { doraVariants } from "../dora.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { componentOf } from "../names/components.ts";
import { peftScales } from "../peft-scales.ts";
import { configVariants } from "../peft-variants.ts";
import { addModule, plainAdapter, scalesOfAlphas } from "../plain-adapter.ts";

/** The three ages: today's, that of LoRACompatibleLinear, and that of attention processors. */
const TODAY = /^(.+)\.lora_([AB])(?:\.default)?\.weight$/;
const MIDDLE = /^(.+)\.(?:lora|lora_linear_layer)\.(down|up)\.weight$/;
const OLD = /^(.+)\.processor\.(to_q|to_k|to_v|to_out)_lora\.(down|up)\.weight$/;
const BESIDE = /^(.+?)(?:\.lora)?\.(?:(alpha)|lora_magnitude_vector(?:\.weight)?|dora_scale)$/;
/** Where diffusers writes the LoraConfig of each component, its fields' names behind the component's. */
const METADATA = "lora_adapter_metadata";

/**
 * diffusers' dialect in its three ages: <component>.<module>.lora_A.weight, .lora.down.weight, and ...processor.to_q_lora.down.weight
 * (of the UNet where no component is named). Scales come from the LoraConfig in the file's metadata, else from <module>.alpha, else are 1.
 */
export const diffusers: Dialect = {
  id: "diffusers",
  title: "diffusers",
  recognises: (key) => MIDDLE.test(key) || OLD.test(key) || (componentOf(key) !== null && TODAY.test(key)),
  async read(contents) {
    const { name, files, tensors } = contents;
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_A", b: "lora_B" });
    const { alphas, magnitudes } = sortOthers(name, others);
    const configs = configsOf(name, contents.metadata.get(METADATA));
    const scaleOf = await scalesOf(contents, configs, alphas);
    const modules = new Map<string, AdapterModule>();
    for (const { path, a, b } of pairs) {
      const module = moduleOfFactors(name, path, "linear", a, b);
      addModule(name, modules, { ...module, scale: scaleOf(module) });
    }
    const stated = [...configs.values()].flatMap(({ changes }) => changes).includes("use_dora");
    const variants = [
      ...[...configs.values()].flatMap(configVariants),
      ...doraVariants(modules, magnitudes, stated ? `use_dora in ${METADATA}` : null),
    ];
    return plainAdapter("diffusers", { name, files, modules, magnitudes, variants });
  },
};

function factorKey(key: string): FactorKey | null {
  const today = TODAY.exec(key);
  if (today !== null) return { path: withComponent(today[1]!), half: today[2] === "A" ? "a" : "b" };
  const middle = MIDDLE.exec(key);
  if (middle !== null) return { path: withComponent(middle[1]!), half: middle[2] === "down" ? "a" : "b" };
  const old = OLD.exec(key);
  return old === null ? null : { path: withComponent(`${old[1]}.${old[2]}`), half: old[3] === "down" ? "a" : "b" };
}

/** A path with its component, the UNet unless named; attention's output is a list whose first entry is the layer. */
function withComponent(path: string): string {
  const whole = componentOf(path) === null ? `unet.${path}` : path;
  return whole.replace(/\.to_out$/, ".to_out.0");
}

/** The tensors beside the factors, by module; any that is none of these would be lost. */
function sortOthers(name: string, others: readonly TensorRef[]) {
  const alphas = new Map<string, TensorRef>();
  const magnitudes = new Map<string, TensorRef>();
  for (const tensor of others) {
    const [, path, alpha] = BESIDE.exec(tensor.name) ?? [];
    if (path === undefined) {
      throw new RefusedError(
        `${name}: the tensor ${tensor.name} is no part of a plain LoRA adapter; merge adapters that hold factors and alphas only.`,
      );
    }
    (alpha === undefined ? magnitudes : alphas).set(withComponent(path), tensor);
  }
  return { alphas, magnitudes };
}

/** The scale of a module by its component's config in the metadata, else by its alpha. */
async function scalesOf(
  { name, files }: AdapterContents,
  configs: ReadonlyMap<string, PeftConfig>,
  alphas: ReadonlyMap<string, TensorRef>,
) {
  const byConfig = new Map(Array.from(configs, ([component, config]) => [component, peftScales(name, config)]));
  const byAlpha = await scalesOfAlphas(name, files, alphas);
  return (module: Omit<AdapterModule, "scale">): number => {
    const component = componentOf(module.name)!;
    const scaleOf = byConfig.get(component);
    if (scaleOf === undefined) return byAlpha(module.name, module.rank);
    return scaleOf({ ...module, name: module.name.slice(component.length + 1) });
  };
}

/** The config of each component in the metadata. */
function configsOf(name: string, text: string | undefined): Map<string, PeftConfig> {
  const where = `${name}: ${METADATA}`;
  const fields = text === undefined ? {} : parseStrictJson(text, where);
  const grouped = new Map<string, JsonObject>();
  for (const [key, value] of Object.entries(isJsonObject(fields) ? fields : {})) {
    const component = componentOf(key);
    if (component === null) continue;
    grouped.set(component, { ...grouped.get(component), [key.slice(component.length + 1)]: value });
  }
  return new Map(
    Array.from(grouped, ([component, own]) => [
      component,
      parsePeftConfig({ target_modules: [], ...own }, `${where} of ${component}`),
    ]),
  );
}
