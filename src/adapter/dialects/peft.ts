import { FormatError, RefusedError } from "../../core/errors.ts";
import type { JsonObject } from "../../formats/json.ts";
import { CONFIG_FILE } from "../../formats/peft-folder/files.ts";
import {
  hasPeftPrefix,
  isPeftKey,
  PEFT_PREFIX,
  parseFactorKey,
  withoutPeftPrefix,
} from "../../formats/peft-folder/keys.ts";
import { isLoraLike, isOnBase, type LoraLikeMethod, loraFields } from "../../formats/peft-folder/lora-like-config.ts";
import {
  baseModelOf,
  type PeftConfig,
  parsePeftConfig,
  parsePeftFields,
  peftMethod,
} from "../../formats/peft-folder/read-config.ts";
import { withBiases } from "../biases.ts";
import type { AdapterContents, Dialect } from "../dialect.ts";
import { doraVariants } from "../dora.ts";
import { separateStacks, stackModules } from "../expert-tensors.ts";
import { type FactorPair, pairFactors } from "../factor-pairs.ts";
import { exactRankNotices } from "../lycoris/exact-rank.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { namingOf } from "../names/naming.ts";
import { prefixed } from "../names/wrapped.ts";
import { methodVariant } from "../peft-methods/refused.ts";
import { type ParameterModules, parameterModules, separateParameters } from "../peft-parameters.ts";
import { peftScales } from "../peft-scales.ts";
import { type Beside, sortBeside } from "../peft-tensors.ts";
import { configVariants, foreignVariant, mistakenVariant } from "../peft-variants.ts";
import { addModule, plainAdapter } from "../plain-adapter.ts";
import type { AdapterModule, Notice, ReadAdapter, TensorRef } from "../read-adapter.ts";
import { otherMethod } from "../shown-method.ts";
import { sameTensor } from "../tensor-values.ts";
import { tokenRowsOf } from "../token-rows.ts";
import { unknownFieldNotices } from "../unknown-fields.ts";
import type { Variant } from "../variants.ts";

/** What names of an adapter's tensors have in them, whatever trainer wrote them. */
const OF_ADAPTER = /lora|^base_model\.|adapter|prompt|ia3|oft|hada|lokr/i;

/**
 * PEFT's dialect: base_model.model.<module>.lora_A.weight (r, in) and .lora_B.weight (out, r), with adapter_config.json next to them.
 */
export const peft: Dialect = {
  title: "PEFT",
  recognises: isPeftKey,
  async read(contents) {
    const { name, config: text, files, tensors } = contents;
    const whole = (variants: readonly Variant[], config: PeftConfig | null, baseModel: string | null): ReadAdapter =>
      plainAdapter({ name, files, modules: new Map(), baseModel, variants, others: tensors, peft: config });
    if (text === null) {
      const foreign = foreignVariant(tensors.keys());
      if (foreign !== null) return whole([foreign], null, null);
      const [weight] = tensors.keys();
      if (weight !== undefined && ![...tensors.keys()].some((key) => OF_ADAPTER.test(key))) {
        throw new RefusedError(
          `${name} is a base model, not an adapter: it holds whole weights (such as ${weight}) and no LoRA factors; pass the adapters, and this one with --base where a command takes it.`,
        );
      }
      throw new FormatError(`${files[0]!.name} has no ${CONFIG_FILE} next to it, which holds rank and alpha; add it.`);
    }
    const fields = parsePeftFields(text.text, text.where);
    const method = peftMethod(fields, text.where);
    const baseModel = baseModelOf(fields);
    const other = otherMethod(method, tensors.keys());
    if (other !== null) return whole([mistakenVariant(method, other)], null, baseModel);
    if (method !== "LORA") {
      const readable = isLoraLike(method) && (contents.base !== null || !isOnBase(method));
      const read = readable ? await readLoraLike(contents, method, fields) : null;
      return read ?? whole([methodVariant(method, readable)], null, baseModel);
    }
    const config = parsePeftConfig(fields, text.where);
    const variants = configVariants(config);
    return variants.some(({ id }) => id === "other_method")
      ? whole(variants, config, baseModel)
      : readLora(contents, config, variants);
  },
};

async function readLora(
  { name, files, tensors: stored }: AdapterContents,
  config: PeftConfig,
  ofConfig: readonly Variant[],
): Promise<ReadAdapter> {
  const { tensors, notices } = prefixed(name, stored);
  const { pairs, others } = pairFactors(name, tensors.values(), parseFactorKey, { a: "lora_A", b: "lora_B" });
  const statedScale = config.alpha / (config.rslora ? Math.sqrt(config.rank) : config.rank);
  const found = { ...modulesOf(name, pairs, config), others, notices };
  return { ...(await withBeside({ name, files }, config, ofConfig, found)), statedScale, peft: config };
}

/** An adapter of a method that is a LoRA all the same; null where it holds none of that method's tensors. */
async function readLoraLike(
  { name, files: own, config: text, tensors: stored, base }: AdapterContents,
  method: LoraLikeMethod,
  fields: JsonObject,
): Promise<ReadAdapter | null> {
  const config = parsePeftConfig(loraFields(method, fields, text!.where), text!.where);
  const { tensors, notices: ofNames } = prefixed(name, stored);
  const files = base === null ? own : [...own, ...base.files];
  const contents = { name, tensors: tensors.values(), files, fields };
  // Few adapters are of these methods.
  const { LORA_LIKE_METHODS, loraLikeScales } = await import("../peft-methods/lora-like.ts");
  const { modules: found, others } = await LORA_LIKE_METHODS[method].modules(contents, base?.after(own.length) ?? null);
  if (found.length === 0) return null;
  const scaleOf = loraLikeScales(name, method, config);
  const modules = new Map<string, AdapterModule>();
  for (const { dim, ...module } of found) {
    const own = stripPrefix(name, module.name);
    modules.set(own, { ...module, name: own, scale: scaleOf({ ...module, name: own, dim }) });
  }
  const notices = [...ofNames, ...exactRankNotices(name, found)];
  return withBeside({ name, files }, config, configVariants(config), {
    modules,
    parameters: { unread: new Map(), variants: [] },
    others,
    notices,
  });
}

/** What the tensors of a PEFT adapter mean. */
interface FoundModules {
  readonly modules: ReadonlyMap<string, AdapterModule>;
  /** Factors of parameters that cannot be named, by their keys, and why. */
  readonly parameters: Pick<ParameterModules, "unread" | "variants">;
  readonly others: readonly TensorRef[];
  readonly notices: readonly Notice[];
}

/** An adapter of modules that are read, with the tensors besides them. */
async function withBeside(
  { name, files }: Pick<AdapterContents, "name" | "files">,
  config: PeftConfig,
  ofConfig: readonly Variant[],
  { modules: found, parameters, others, notices }: FoundModules,
): Promise<ReadAdapter> {
  const beside = sortBeside(others, config, (path) => stripPrefix(name, path));
  await refuseDifferingCopies(name, files, beside);
  const tokens = tokenRowsOf(beside.tokens, config);
  const biased = withBiases(found, beside.biases, config.changes.includes("lora_bias"));
  const { modules } = biased;
  const said = config.changes.includes("use_dora") ? "use_dora in its config" : null;
  const variants = [
    ...ofConfig,
    ...parameters.variants,
    ...doraVariants(modules, beside.magnitudes, said),
    ...tokens.variants,
    ...biased.variants,
    ...beside.variants,
  ];
  return plainAdapter({
    name,
    files,
    families: familiesOfNames(modules),
    notices: [...notices, ...unknownFieldNotices(name, config.unknownFields, "its config")],
    variants,
    modules,
    extras: beside.extras,
    magnitudes: beside.magnitudes,
    tokenRows: tokens.rows,
    others: new Map([...parameters.unread, ...tokens.others, ...biased.others, ...beside.others]),
    ignored: beside.ignored,
    baseCopies: beside.baseCopies,
    baseModel: config.baseModel,
    taskType: config.taskType,
    fanInFanOut: config.fanInFanOut,
    targetModules: config.targetModules,
    targetParameters: config.targetParameters,
    someLayers: config.someLayers,
    modulesToSave: config.modulesToSave,
    tiesWeights: config.tiesWeights,
    invocationTokens: config.invocationTokens,
    unknownFields: config.unknownFields,
  });
}

/** Modules with their scales, and the factors of parameters that cannot be named. */
function modulesOf(
  name: string,
  pairs: readonly FactorPair[],
  config: PeftConfig,
): Pick<FoundModules, "modules" | "parameters"> {
  const scaleOf = peftScales(name, config);
  const modules = new Map<string, AdapterModule>();
  const named = pairs.map((pair) => ({ ...pair, path: stripPrefix(name, pair.path) }));
  const { layers, ofParameters } = separateParameters(name, named, config);
  const { stacks, others } = separateStacks(layers);
  for (const { path, stored, a, b } of others) {
    const module = moduleOfFactors(name, path, stored, a, b);
    modules.set(module.name, { ...module, scale: scaleOf(module) });
  }
  for (const module of stackModules(name, stacks)) addModule(name, modules, { ...module, scale: scaleOf(module) });
  const parameters = parameterModules(name, ofParameters, config);
  for (const module of parameters.modules) addModule(name, modules, module);
  return { modules, parameters };
}

/** The families whose names here all modules have, as merges write them; PEFT's own names of such models stay as they stand. */
function familiesOfNames(modules: ReadonlyMap<string, AdapterModule>): string[] {
  const { families, nameOf } = namingOf([...modules.values()]);
  return [...modules.keys()].every((own) => nameOf(own) === own) ? families.map(({ id }) => id) : [];
}

function stripPrefix(name: string, path: string): string {
  if (hasPeftPrefix(path)) return withoutPeftPrefix(path);
  // A pair without a name of its own, under PEFT's prefix or not.
  if (`${path}.` === PEFT_PREFIX) {
    throw new RefusedError(
      `${name} has a lora_A and a lora_B without the name of a module, so nothing says what they adapt; save the adapter with PEFT's save_pretrained.`,
    );
  }
  throw new RefusedError(
    `${name}: ${path} does not start with ${PEFT_PREFIX} as PEFT's keys do; save the adapter with PEFT's save_pretrained.`,
  );
}

async function refuseDifferingCopies(name: string, files: AdapterContents["files"], { copies }: Beside): Promise<void> {
  for (const [trained, plain] of copies) {
    if (await sameTensor({ files, tensor: trained }, { files, tensor: plain })) continue;
    throw new RefusedError(
      `${name}: ${trained.name} and its copy ${plain.name} differ; remove the one that does not belong to the adapter.`,
    );
  }
}
