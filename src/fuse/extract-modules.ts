import type { TensorRef } from "../adapter/adapter.ts";
import type { ByteSink } from "../core/bytes.ts";
import { bytesOf, type FactorDtype } from "../core/dtype.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { lowRank, lowRankBytes } from "../methods/dense/low-rank.ts";
import { MOST_TILE_ROWS } from "../methods/dense/task-tiles.ts";
import { ExpertColumns } from "../units/expert-columns.ts";
import { writeFactors, writingBytes } from "../units/write-factors.ts";
import type { BaseModel } from "./base-model.ts";
import { type ExtractPlan, storedModule, type TunedModule } from "./extract.ts";

/** How much of a module's change its LoRA captures. */
export interface ExtractedModule {
  readonly name: string;
  /** |tuned - base|_F. */
  readonly norm: number;
  /** The kept share of its square. */
  readonly energy: number;
}

/** The modules of a plan whose factors are written together: each by itself, and the experts of a parameter. */
export function extractionGroups({ modules, places }: ExtractPlan): readonly (readonly TunedModule[])[] {
  const groups = new Map<number, TunedModule[]>();
  for (const module of modules) {
    const { begin } = places.get(module.name)!.b;
    groups.set(begin, [...(groups.get(begin) ?? []), module]);
  }
  return [...groups.values()];
}

/**
 * Write the factors of modules of one group: the leading singular units of tuned - base, computed in tiles of rows that are read again in each
 * pass.
 *
 * @throws FormatError for values that are not finite, RefusedError when a factor leaves the range of the element type
 */
export async function extractModules(
  kernels: Kernels,
  base: BaseModel,
  tuned: BaseModel,
  plan: ExtractPlan,
  group: readonly TunedModule[],
  sink: ByteSink,
): Promise<ExtractedModule[]> {
  const [first] = group as [TunedModule];
  const { rank, dtype } = plan;
  const columns = new ExpertColumns({ ...storedModule(first, rank), ...plan.places.get(first.name)! }, dtype);
  const extracted: ExtractedModule[] = [];
  for (const module of group) extracted.push(await extractModule(kernels, base, tuned, plan, module, sink, columns));
  await columns.write(sink);
  return extracted;
}

async function extractModule(
  kernels: Kernels,
  base: BaseModel,
  tuned: BaseModel,
  { rank, dtype, places }: ExtractPlan,
  module: TunedModule,
  sink: ByteSink,
  shared: ExpertColumns,
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
  const place = places.get(name)!;
  const factors = { dtype, in: inputs, out, rank, ...place };
  const sinkOfB = place.expert === null ? sink : shared.sinkOf(place.expert);
  if ((await writeFactors(kernels, turned ? { count, a: b, b: a } : units, factors, sink, sinkOfB)) === null) {
    throw new RefusedError(`${name} has values that ${dtype.toLowerCase()} cannot hold; pass --dtype f32.`);
  }
  return { name, norm: Math.sqrt(squares), energy: squares === 0 ? 1 : 1 - residual * residual };
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
