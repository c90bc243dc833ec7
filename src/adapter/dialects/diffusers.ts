import { RefusedError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, parseStrictJson } from "../../formats/json.ts";
import { pathOfBias } from "../../formats/peft-folder/keys.ts";
import { type PeftConfig, parseLoraFields } from "../../formats/peft-folder/read-config.ts";
import { withBiases } from "../biases.ts";
import type { AdapterContents, Dialect } from "../dialect.ts";
import { doraVariants } from "../dora.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors, type StridedModule } from "../module-of-factors.ts";
import { namedModules } from "../named-modules.ts";
import { componentOf, isBareDenoiser } from "../names/components.ts";
import { peftScales } from "../peft-scales.ts";
import { configVariants } from "../peft-variants.ts";
import { addBeside, plainAdapter, scalesOfAlphas, silencedModules } from "../plain-adapter.ts";
import type { TensorRef } from "../read-adapter.ts";
import { refuseConfig } from "../refuse-config.ts";
import { isSideTensor } from "../side-tensors.ts";
import { unknownFieldNotices } from "../unknown-fields.ts";
import type { Variant } from "../variants.ts";
import { cutPlain } from "../weights/cut.ts";

/** The three ages: today's, that of LoRACompatibleLinear, and that of attention processors. */
const TODAY = /^(.+)\.lora_([AB])(?:\.default)?\.weight$/;
const MIDDLE = /^(.+)\.(?:lora|lora_linear_layer)\.(down|up)\.weight$/;
const OLD = /^(.+)\.processor\.(to_q|to_k|to_v|to_out)_lora\.(down|up)\.weight$/;
/** XLabs' code for Flux, whose processors are names of the model's table. */
const XLABS = /^(.+\.processor\.(?:qkv|proj)_lora[12]?)\.(down|up)\.weight$/;
const BESIDE = /^(.+)\.(?:(alpha)|lora_magnitude_vector(?:\.weight)?|dora_scale)$/;
/** What stands between a module's path and the tensors of the two older ages. */
const MIDDLE_STEM = /\.(?:lora|lora_linear_layer)$/;
const OLD_STEM = /\.processor\.(to_q|to_k|to_v|to_out)_lora$/;
/** Where diffusers writes the LoraConfig of each component, with field names such as unet.r. */
const METADATA = "lora_adapter_metadata";

/**
 * The diffusers dialect in its three ages: <component>.<module>.lora_A.weight, .lora.down.weight, and ...processor.to_q_lora.down.weight;
 * also files of other programs in this style, without a component or under diffusion_model. The scale comes from the LoraConfig in the
 * file's metadata, else from <module>.alpha, else it is 1.
 */
export const diffusers: Dialect = {
  title: "diffusers",
  recognises: (key) =>
    MIDDLE.test(key) ||
    OLD.test(key) ||
    XLABS.test(key) ||
    ((componentOf(key) !== null || isBareDenoiser(key)) && TODAY.test(key)),
  async read(contents) {
    const { name, files, tensors } = contents;
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_A", b: "lora_B" });
    const paths = pairs.map(({ path }) => path);
    refuseConfig(
      contents,
      paths.find((path) => componentOf(path) === null),
    );
    const { alphas, scales, biases, extras } = sortOthers(name, others);
    const configs = configsOf(name, contents.metadata.get(METADATA));
    const scaleOf = await scalesOf(contents, configs, alphas, paths);
    const found = pairs.flatMap(({ path, a, b }) => inXlabsParts(moduleOfFactors(name, path, "linear", a, b)));
    const named = await namedModules(
      contents,
      found.map((module) => ({ ...module, scale: scaleOf(module) })),
    );
    const { families, nameOfRows } = named;
    const magnitudes = new Map(Array.from(scales, ([path, tensor]) => [nameOfRows(path), tensor]));
    const stated = new Set([...configs.values()].flatMap(({ changes }) => changes));
    const ofModules = new Map(Array.from(biases, ([path, tensor]) => [nameOfRows(path), tensor]));
    const { modules, ...biased } = withBiases(named.modules, ofModules, stated.has("lora_bias"));
    const variants: Variant[] = [
      ...[...configs.values()].flatMap(configVariants),
      ...doraVariants(modules, magnitudes, stated.has("use_dora") ? `use_dora in ${METADATA}` : null),
      ...biased.variants,
    ];
    const unknownFields = Array.from(configs, ([component, config]) =>
      config.unknownFields.map((field) => (component === null ? field : `${component}.${field}`)),
    ).flat();
    const notices = [...silencedModules(name, modules), ...unknownFieldNotices(name, unknownFields, METADATA)];
    // The library's name of the tensors' framework, and the scales, say nothing of the adapter that is written again.
    const metadata = new Map([...contents.metadata].filter(([key]) => key !== "format" && key !== METADATA));
    const inMetadata = paths.filter((path) => configs.has(componentOf(path))).length;
    const beside = {
      alphas: { own: alphas.size, inMetadata },
      magnitudes,
      extras,
      others: biased.others,
      unknownFields,
      notices,
      metadata,
    };
    return plainAdapter({ name, files, families, modules, variants, ...beside });
  },
};

function factorKey(key: string): FactorKey | null {
  const today = TODAY.exec(key);
  if (today !== null) return { path: today[1]!, half: today[2] === "A" ? "a" : "b" };
  const middle = MIDDLE.exec(key);
  if (middle !== null) return { path: middle[1]!, half: middle[2] === "down" ? "a" : "b" };
  const xlabs = XLABS.exec(key);
  if (xlabs !== null) return { path: xlabs[1]!, half: xlabs[2] === "down" ? "a" : "b" };
  const old = OLD.exec(key);
  return old === null ? null : { path: `${old[1]}.${old[2]}`, half: old[3] === "down" ? "a" : "b" };
}

/** XLabs' layer of a single block is queries, keys and values: parts of a weight that has the MLP's rows too, and that share A. */
function inXlabsParts(module: StridedModule): StridedModule[] {
  const block = /^(.+)\.processor\.qkv_lora$/.exec(module.name)?.[1];
  if (block === undefined || module.out % 3 !== 0) return [module];
  const out = module.out / 3;
  return ["q", "k", "v"].map((part, i) => {
    return { ...module, name: `${block}.linear1.${part}`, out, b: cutPlain(module.b, i * out, out) };
  });
}

/** The tensors besides the factors, by module or by key. Refuses any others, which would be lost. */
function sortOthers(name: string, others: readonly TensorRef[]) {
  const none = (): Map<string, TensorRef> => new Map();
  const [alphas, scales, biases, extras] = [none(), none(), none(), none()];
  for (const tensor of others) {
    const [, stem, alpha] = BESIDE.exec(tensor.name) ?? [];
    const biased = pathOfBias(tensor.name);
    if (stem !== undefined) {
      const path = stem.replace(MIDDLE_STEM, "").replace(OLD_STEM, ".$1");
      addBeside(name, alpha === undefined ? scales : alphas, path, tensor);
    } else if (biased !== null) biases.set(biased, tensor);
    else if (isSideTensor(tensor.name)) extras.set(tensor.name, tensor);
    else {
      throw new RefusedError(
        `${name}: the tensor ${tensor.name} is not part of a plain LoRA adapter; merge adapters that hold factors and alphas only.`,
      );
    }
  }
  return { alphas, scales, biases, extras };
}

/** The scale of a module by its component's config in the metadata, else by its alpha. */
async function scalesOf(
  { name, files }: AdapterContents,
  configs: ReadonlyMap<string | null, PeftConfig>,
  alphas: ReadonlyMap<string, TensorRef>,
  paths: readonly string[],
) {
  const byConfig = new Map(Array.from(configs, ([component, config]) => [component, peftScales(name, config)]));
  const byAlpha = await scalesOfAlphas(name, files, alphas, paths);
  return (module: StridedModule): number => {
    const component = componentOf(module.name);
    const scaleOf = byConfig.get(component);
    if (scaleOf === undefined) return byAlpha(module.name, module.rank);
    return scaleOf(component === null ? module : { ...module, name: module.name.slice(component.length + 1) });
  };
}

/** The config of each component in the metadata, under null for a model that was saved alone, whose fields name no component. */
function configsOf(name: string, text: string | undefined): Map<string | null, PeftConfig> {
  const where = `${name}: ${METADATA}`;
  const fields = text === undefined ? {} : parseStrictJson(text, where);
  const grouped = new Map<string | null, JsonObject>();
  for (const [key, value] of Object.entries(isJsonObject(fields) ? fields : {})) {
    const component = componentOf(key);
    const field = component === null ? key : key.slice(component.length + 1);
    grouped.set(component, { ...grouped.get(component), [field]: value });
  }
  // Other metadata without a component is not a config.
  if (grouped.get(null)?.r === undefined) grouped.delete(null);
  return new Map(
    Array.from(grouped, ([component, own]) => [
      component,
      parseLoraFields(own, component === null ? where : `${where} of ${component}`),
    ]),
  );
}
