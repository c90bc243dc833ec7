import type { TensorRef } from "../adapter/adapter.ts";
import { isTableName } from "../adapter/names/vocabulary.ts";
import { sameTensor } from "../adapter/tensor-values.ts";
import type { ByteSink } from "../core/bytes.ts";
import { bytesOf, type FactorDtype, type OutputDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { FormatError, RefusedError, UsageError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";
import type { ModuleKind } from "../core/module-kind.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { layoutWeights, peftKey, type StoredModule } from "../formats/peft-folder/factors.ts";
import { peftConfig } from "../formats/peft-folder/write-config.ts";
import type { SafetensorsLayout } from "../formats/safetensors/layout.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { lowRank, lowRankBytes } from "../methods/dense/low-rank.ts";
import { MOST_TILE_ROWS } from "../methods/dense/task-tiles.ts";
import { chosenDtype } from "../recipe/chosen-dtype.ts";
import { modulePattern } from "../recipe/module-pattern.ts";
import type { DtypeChoice } from "../recipe/recipe.ts";
import { writeFactors, writingBytes } from "../units/write-factors.ts";
import type { BaseConfig } from "./base-config.ts";
import { type BaseModel, filesOf } from "./base-model.ts";
import { isConv1d } from "./conv1d.ts";
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
}

/** What an extraction writes. */
export interface ExtractPlan {
  readonly modules: readonly TunedModule[];
  /** Tensors that differ but that the LoRA does not represent. */
  readonly unrepresented: readonly string[];
  readonly rank: number;
  readonly dtype: OutputDtype;
  readonly layout: SafetensorsLayout;
  /** adapter_config.json. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** How much of a module's change its LoRA captures. */
export interface ExtractedModule {
  readonly name: string;
  /** |tuned - base|_F. */
  readonly norm: number;
  /** The kept share of its square. */
  readonly energy: number;
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
  const modules: TunedModule[] = [];
  const unrepresented: string[] = [];
  for (const [name, tensor] of before) {
    const twin = tuned.tensors.get(name)!;
    if (await sameTensor({ files: baseFiles, tensor }, { files: tunedFiles, tensor: twin })) continue;
    const module = moduleOf(tensor, twin, config?.modelType ?? null);
    const chosen =
      module !== null &&
      (include?.some((matches) => matches(module.name)) ?? true) &&
      !exclude.some((matches) => matches(module.name));
    if (chosen) modules.push(module);
    else unrepresented.push(name);
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
    layout: layoutWeights(
      modules.map((module) => storedModule(module, rank)),
      dtype,
    ),
    config: configOf(base, modules, rank),
  };
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

function moduleOf(base: TensorRef, tuned: TensorRef, modelType: string | null): TunedModule | null {
  const name = /^(.+)\.weight$/.exec(tuned.name)?.[1];
  const { shape } = base;
  if (name === undefined || shape.length < 2 || !isFactorDtype(base.dtype) || !isFactorDtype(tuned.dtype)) return null;
  const kind = shape.length > 2 ? "conv" : isTableName(name) ? "embedding" : "linear";
  return {
    name,
    kind,
    turned: kind === "embedding" || (kind === "linear" && isConv1d(name, modelType)),
    base: base as TensorRef<FactorDtype>,
    tuned: tuned as TensorRef<FactorDtype>,
    rows: shape[0]!,
    columns: elementCount(shape.slice(1)),
  };
}

/** A module as its factors will be stored. */
function storedModule({ name, kind, turned, base: { shape } }: TunedModule, rank: number): StoredModule {
  return { name, kind, rank, inputShape: turned ? [shape[0]!] : shape.slice(1), out: turned ? shape[1]! : shape[0]! };
}

function configOf(base: BaseModel, modules: readonly TunedModule[], rank: number): Record<string, unknown> {
  const common = { rank, alpha: rank };
  return peftConfig({
    baseModel: base.name,
    taskType: null,
    fanInFanOut: modules.some(({ kind, turned }) => turned && kind === "linear"),
    modules: modules.map(({ name }) => ({ name, ...common })),
    common,
    extras: [],
    sources: [],
    left: [],
  });
}

/**
 * Write the factors of one module: the leading singular units of tuned - base, computed in tiles of rows that are read again in each pass.
 *
 * @throws FormatError for values that are not finite, RefusedError when a factor leaves the range of the element type
 */
export async function extractModule(
  kernels: Kernels,
  base: BaseModel,
  tuned: BaseModel,
  { rank, dtype, layout }: ExtractPlan,
  module: TunedModule,
  sink: ByteSink,
): Promise<ExtractedModule> {
  const { rows, columns, turned, name } = module;
  const k = Math.min(rank, rows, columns);
  const [inputs, out] = turned ? [rows, columns] : [columns, rows];
  kernels.reset(
    lowRankBytes(columns, rows, k) +
      4 * k * (rows + columns) +
      16 * MOST_TILE_ROWS * columns +
      writingBytes({ dtype, in: inputs, out, rank }),
  );
  const tiles = differences(kernels, base, tuned, module);
  const { rows: units, residual, squares } = await lowRank({ kernels, in: columns, out: rows }, tiles, k, null);
  const { count, a, b } = units;
  const placeOf = (half: "A" | "B") => layout.tensors.get(peftKey(module, half))!;
  const factors = { dtype, in: inputs, out, rank, a: placeOf("A"), b: placeOf("B") };
  if ((await writeFactors(kernels, turned ? { count, a: b, b: a } : units, factors, sink)) === null) {
    throw new RefusedError(`${name} has values that ${dtype.toLowerCase()} cannot hold; pass --dtype f32.`);
  }
  return { name, norm: Math.sqrt(squares), energy: 1 - residual * residual };
}

/** tuned - base in f32, tile by tile. */
function differences(kernels: Kernels, base: BaseModel, tuned: BaseModel, module: TunedModule) {
  const { rows, columns } = module;
  const tile = kernels.f32(MOST_TILE_ROWS * columns);
  const other = kernels.f32(MOST_TILE_ROWS * columns);
  const stored = kernels.bytes(8 * MOST_TILE_ROWS * columns);
  const read = async (
    { name, shards }: BaseModel,
    tensor: TensorRef<FactorDtype>,
    from: number,
    count: number,
    into: Float32Array,
  ) => {
    const element = bytesOf(tensor.dtype);
    const bytes = stored.subarray(0, element * count * columns);
    await shards[tensor.file]!.source.read(tensor.begin + element * from * columns, bytes);
    if (kernels.widen(tensor.dtype, bytes, columns, count, columns, into, columns, 1)) return;
    throw new FormatError(`${name}: the tensor ${tensor.name} holds NaN or infinite values; repair the model.`);
  };
  return async (use: (tile: Float32Array, from: number, rows: number) => void): Promise<void> => {
    for (let from = 0; from < rows; from += MOST_TILE_ROWS) {
      const count = Math.min(MOST_TILE_ROWS, rows - from);
      await read(tuned, module.tuned, from, count, tile);
      await read(base, module.base, from, count, other);
      const values = tile.subarray(0, count * columns);
      for (let x = 0; x < values.length; x++) values[x]! -= other[x]!;
      use(values, from, count);
    }
  };
}
