import type { TensorRef } from "../adapter/adapter.ts";
import { isTableName } from "../adapter/names/vocabulary.ts";
import { sameTensor } from "../adapter/tensor-values.ts";
import type { FactorDtype, OutputDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";
import type { ModuleKind } from "../core/module-kind.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { layoutWeights, type StoredModule } from "../formats/peft-folder/factors.ts";
import { isExpertParameter, type ParameterPart, partName } from "../formats/peft-folder/parameters.ts";
import { type FactorPlaces, factorPlaces, sliceOf } from "../formats/peft-folder/places.ts";
import { peftConfig } from "../formats/peft-folder/write-config.ts";
import type { SafetensorsLayout } from "../formats/safetensors/layout.ts";
import { chosenDtype } from "../recipe/chosen-dtype.ts";
import { modulePattern } from "../recipe/module-pattern.ts";
import type { DtypeChoice } from "../recipe/recipe.ts";
import type { BaseConfig } from "./base-config.ts";
import { type BaseModel, filesOf } from "./base-model.ts";
import { fusedLayers, namesInAdapters } from "./checkpoint-names.ts";
import { isConv1d } from "./conv1d.ts";
import { isTransposed } from "./expert-places.ts";
import { vocabularyOf } from "./vocabulary.ts";

/** How to extract. */
export interface ExtractRecipe {
  /** The largest rank of a module. */
  readonly rank: number;
  /** Default auto: f16 or bf16 if all differing tensors of the tuned model have that type, else f32. */
  readonly dtype?: DtypeChoice;
  /** Patterns of the modules to extract, and to leave out. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** A tuned weight, as a module of a LoRA. */
export interface TunedModule {
  readonly name: string;
  readonly kind: ModuleKind;
  /** Whether the stored matrix is (in, out), as embeddings and Conv1D have it. */
  readonly turned: boolean;
  readonly base: TensorRef<FactorDtype>;
  readonly tuned: TensorRef<FactorDtype>;
  /** Size of the stored matrix, kernels flattened. */
  readonly rows: number;
  readonly columns: number;
  /** The parameter that it is a part of; absent where it is a layer. */
  readonly parameter?: ParameterPart;
}

/** What an extraction writes. */
export interface ExtractPlan {
  readonly modules: readonly TunedModule[];
  /** Tensors that differ but that the LoRA does not represent. */
  readonly unrepresented: readonly string[];
  readonly rank: number;
  readonly dtype: OutputDtype;
  readonly layout: SafetensorsLayout;
  /** Where each module's factors go, by its name. */
  readonly places: ReadonlyMap<string, FactorPlaces>;
  /** adapter_config.json. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Compare two models and decide what to extract: every matrix or convolution that differs. Where a tied base lacks the tuned
 * model's head, the head is compared with the base's embedding.
 *
 * @param config the base's, which says whether layers store weights as (in, out) and whether head and embedding are tied
 * @throws RefusedError when they are not two states of one model; UsageError when nothing differs
 */
export async function planExtraction(
  base: BaseModel,
  tuned: BaseModel,
  recipe: ExtractRecipe,
  config: BaseConfig | null = null,
): Promise<ExtractPlan> {
  const before = stateBefore(base, tuned, config);
  refuseOther(base, tuned, before);
  const include = recipe.include?.map(modulePattern);
  const exclude = (recipe.exclude ?? []).map(modulePattern);
  const [baseFiles, tunedFiles] = [filesOf(base), filesOf(tuned)];
  const differing: { readonly name: string; readonly own: readonly TunedModule[] }[] = [];
  for (const [name, tensor] of before) {
    const twin = tuned.tensors.get(name)!;
    if (await sameTensor({ files: baseFiles, tensor }, { files: tunedFiles, tensor: twin })) continue;
    differing.push({ name, own: modulesOf(tensor, twin, config?.modelType ?? null) });
  }
  const nameOf = namesInAdapters(
    differing.flatMap(({ own }) => own.map(({ name, rows, columns }) => ({ name, in: columns, out: rows }))),
  );
  const modules: TunedModule[] = [];
  const unrepresented: string[] = [];
  for (const { name, own } of differing) {
    const chosen = own
      .map((module) => ({ ...module, name: nameOf(module.name) }))
      .filter(
        (module) =>
          (include?.some((matches) => matches(module.name)) ?? true) &&
          !exclude.some((matches) => matches(module.name)),
      );
    modules.push(...chosen);
    if (chosen.length === 0) unrepresented.push(name);
  }
  if (modules.length === 0) {
    throw new UsageError(
      unrepresented.length === 0
        ? `${base.name} and ${tuned.name} hold the same weights, so there is nothing to extract; pass the model before and the one after tuning.`
        : `No selected matrix differs between ${base.name} and ${tuned.name} (only ${unrepresented.slice(0, 3).join(", ")}); choose other --include and --exclude.`,
    );
  }
  const dtype = chosenDtype(
    recipe.dtype,
    modules.map((module) => module.tuned.dtype),
  );
  const rank = Math.min(recipe.rank, maximum(modules.map(({ rows, columns }) => Math.min(rows, columns))));
  return {
    modules,
    unrepresented,
    rank,
    dtype,
    ...placed(modules, rank, dtype),
    config: configOf(base, modules, rank),
  };
}

/** The file of factors, and the place of each module in it. */
function placed(
  modules: readonly TunedModule[],
  rank: number,
  dtype: OutputDtype,
): Pick<ExtractPlan, "layout" | "places"> {
  const stored = modules.map((module) => storedModule(module, rank));
  const layout = layoutWeights(stored, dtype);
  return { layout, places: factorPlaces(stored, layout) };
}

/** The base tensor of each tensor of the tuned model, by name; in a tied base, the embedding also serves the head. */
function stateBefore(base: BaseModel, tuned: BaseModel, config: BaseConfig | null): ReadonlyMap<string, TensorRef> {
  const { tied, embedding, head } = vocabularyOf(base, config);
  if (!tied || embedding === null || head === null || base.tensors.has(head) || !tuned.tensors.has(head))
    return base.tensors;
  return new Map([...base.tensors, [head, base.tensors.get(embedding)!]]);
}

function refuseOther(base: BaseModel, tuned: BaseModel, before: ReadonlyMap<string, TensorRef>): void {
  for (const [name, tensor] of before) {
    const twin = tuned.tensors.get(name);
    if (twin !== undefined && twin.shape.join() === tensor.shape.join()) continue;
    const what =
      twin === undefined
        ? `lacks ${name}, which ${base.name} has`
        : `has ${name} of ${formatShape(twin.shape)}, not ${formatShape(tensor.shape)} as ${tensor.name} of ${base.name}`;
    throw new RefusedError(`${tuned.name} ${what}; pass the base model that it was tuned from.`);
  }
  const stray = [...tuned.tensors.keys()].find((name) => !before.has(name));
  if (stray !== undefined) {
    throw new RefusedError(
      `${tuned.name} has a tensor ${stray} that ${base.name} lacks; pass the base model that it was tuned from.`,
    );
  }
}

/** The modules of a tensor: a layer's weight is one, a tensor of several layers or experts one for each; none for any other. */
function modulesOf(base: TensorRef, tuned: TensorRef, modelType: string | null): TunedModule[] {
  const { shape } = base;
  if (shape.length < 2 || !isFactorDtype(base.dtype) || !isFactorDtype(tuned.dtype)) return [];
  const pair = { base: base as TensorRef<FactorDtype>, tuned: tuned as TensorRef<FactorDtype> };
  const name = /^(.+)\.weight$/.exec(tuned.name)?.[1];
  if (name === undefined) return [...layersOf(pair), ...expertsOf(pair, modelType)];
  const kind = shape.length > 2 ? "conv" : isTableName(name) ? "embedding" : "linear";
  const turned = kind === "embedding" || (kind === "linear" && isConv1d(name, modelType));
  return [{ name, kind, turned, ...pair, rows: shape[0]!, columns: elementCount(shape.slice(1)) }];
}

/** Layers that are rows of one tensor. */
function layersOf({ base, tuned }: Pick<TunedModule, "base" | "tuned">): TunedModule[] {
  const names = base.shape.length === 2 ? fusedLayers(tuned.name) : [];
  const [rows, columns] = [base.shape[0]! / names.length, base.shape[1]!];
  return names.map((name, i) => ({
    name,
    kind: "linear",
    turned: false,
    base: partOf(base, i, names.length, [rows, columns]),
    tuned: partOf(tuned, i, names.length, [rows, columns]),
    rows,
    columns,
  }));
}

/** One of several equal parts of a tensor along its first axis. */
function partOf(
  tensor: TensorRef<FactorDtype>,
  index: number,
  count: number,
  shape: readonly number[],
): TensorRef<FactorDtype> {
  return { ...tensor, shape, ...sliceOf(tensor, index, count) };
}

/** The experts of a parameter that PEFT can adapt (target_parameters). */
function expertsOf({ base, tuned }: Pick<TunedModule, "base" | "tuned">, modelType: string | null): TunedModule[] {
  const [, owner, name] = /^(.+)\.([^.]+)$/.exec(tuned.name) ?? [];
  if (owner === undefined || !isExpertParameter(name!) || base.shape.length !== 3) return [];
  const [experts, rows, columns] = base.shape as [number, number, number];
  const parameter = { name: name!, experts };
  return Array.from({ length: experts }, (_, expert) => ({
    name: partName(owner, parameter, expert),
    kind: "linear",
    turned: isTransposed(modelType),
    base: partOf(base, expert, experts, [rows, columns]),
    tuned: partOf(tuned, expert, experts, [rows, columns]),
    rows,
    columns,
    parameter,
  }));
}

/** A module as its factors will be stored. */
export function storedModule(module: TunedModule, rank: number): StoredModule {
  const { name, kind, turned, base, parameter } = module;
  const { shape } = base;
  const [out, inputShape] = turned ? [shape[1]!, [shape[0]!]] : [shape[0]!, shape.slice(1)];
  return { name, kind, rank, inputShape, out, ...(parameter !== undefined && { parameter }) };
}

function configOf(base: BaseModel, modules: readonly TunedModule[], rank: number): Record<string, unknown> {
  const common = { rank, alpha: rank };
  return peftConfig({
    baseModel: base.name,
    taskType: null,
    fanInFanOut: modules.some(({ kind, turned, parameter }) => turned && kind === "linear" && parameter === undefined),
    modules: modules.map(({ name, parameter }) => ({ name, ...common, ...(parameter !== undefined && { parameter }) })),
    common,
    extras: [],
    sources: [],
    left: [],
  });
}
