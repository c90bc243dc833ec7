import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { withoutMagnitudes } from "../adapter/dora.ts";
import { factorsAlone } from "../adapter/factors-alone.ts";
import { RefusedError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { RowTiles } from "../methods/dense/low-rank.ts";
import { MOST_TILE_ROWS } from "../methods/dense/task-tiles.ts";
import { type BakedModule, leadingRows, shareOf, withFactors } from "./baked-modules.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";
import { sourceOf } from "./fuse.ts";
import type { ChangedTensor } from "./fuse-plan.ts";
import { type FusedRows, fusedRows } from "./fuse-tensor.ts";
import { planFusion } from "./plan-fusion.ts";

/** Kernels for the rows of the base and for the units, each with its own memory. */
interface BakeKernels {
  readonly rows: Kernels;
  readonly units: Kernels;
}

/**
 * A DoRA adapter as a plain LoRA on its base: for each module the leading singular units of m (W + s B A) / |W + s B A| - W, which has no
 * low rank by itself. The factors are f32 and held in memory; a notice says how much of the change they keep.
 *
 * @param rank of every module, where it is not larger than the matrix; null for each module's own
 * @throws RefusedError where adapter and base do not fit; FormatError for values that are not finite
 */
export async function bakeDora(
  kernels: BakeKernels,
  adapter: Adapter,
  base: BaseModel,
  config: BaseConfig | null,
  rank: number | null,
): Promise<Adapter> {
  const alone = factorsAlone(adapter);
  const changes = changesOf(adapter, base, planFusion(base, [alone], { extras: "drop" }, config));
  const baked: BakedModule[] = [];
  for (const [name, change] of changes) {
    const module = adapter.modules.get(name)!;
    const source = sourceOf(base, [alone], change.origin);
    const rows = await fusedRows(kernels.rows, source, [alone], change);
    baked.push(await bakeModule(kernels.units, rows, change, module, rank ?? module.rank));
  }
  const { rank: largest, kept, error } = shareOf(baked);
  const text = `${adapter.name} is a DoRA adapter, so what it changes in ${base.name} was extracted as a LoRA of rank ${largest}, which keeps ${kept}% of its squared norm (relative error ${error}); a larger --dora-rank keeps more.`;
  return withFactors(withoutMagnitudes(adapter, { id: "dora-baked", text }), baked, "without magnitudes");
}

/** The changed tensor of each module. */
function changesOf(
  { name, modules }: Adapter,
  base: BaseModel,
  { changed, elsewhere }: ReturnType<typeof planFusion>,
): ReadonlyMap<string, ChangedTensor> {
  const [other] = elsewhere.keys();
  if (other !== undefined) {
    throw new RefusedError(
      `${name} also adapts ${other}, which ${base.name} does not hold, so its magnitudes there cannot be baked; fuse it into each part of the pipeline instead.`,
    );
  }
  const found = new Map<string, ChangedTensor>();
  for (const change of changed.values()) {
    const [part, second] = change.parts;
    if (part === undefined) continue;
    if (second !== undefined) {
      throw new RefusedError(
        `${name}: ${part.module} and ${second.module} are both in ${change.name} of ${base.name}, so their changes cannot be told apart; fuse the adapter into its base model instead.`,
      );
    }
    // A tied head follows the embedding and has the same change.
    if (!found.has(part.module)) found.set(part.module, change);
  }
  const bias = [...modules.values()].find((module) => module.bias !== undefined);
  if (bias === undefined) return found;
  throw new RefusedError(
    `${name}: ${bias.name} has both a magnitude (DoRA) and a bias next to B, whose order PEFT leaves open; retrain it without lora_bias.`,
  );
}

async function bakeModule(
  kernels: Kernels,
  fused: FusedRows,
  { shape, parts }: ChangedTensor,
  module: AdapterModule,
  rank: number,
): Promise<BakedModule> {
  const [rows, columns] = [shape[0]!, elementCount(shape.slice(1))];
  const tilesOf = (tile: Float32Array): RowTiles => differences(tile, fused, columns);
  const { across, along, ...share } = await leadingRows(kernels, { rows, columns }, tilesOf, rank);
  const [a, b] = parts[0]!.along === module.a ? [along, across] : [across, along];
  return { module, a, b, ...share };
}

/** W' - W in f32, tile by tile. */
function differences(tile: Float32Array, fused: FusedRows, columns: number): RowTiles {
  return (use) =>
    fused((values, from, before) => {
      const count = values.length / columns;
      for (let at = 0; at < count; at += MOST_TILE_ROWS) {
        const rows = Math.min(MOST_TILE_ROWS, count - at);
        const own = tile.subarray(0, rows * columns);
        for (let x = 0; x < own.length; x++) own[x] = values[at * columns + x]! - before[at * columns + x]!;
        use(own, from + at, rows);
      }
    });
}
