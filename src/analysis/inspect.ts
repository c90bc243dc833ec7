import type { Adapter, AdapterModule, DialectId } from "../adapter/adapter.ts";
import { kroneckerSides } from "../adapter/lycoris/leading.ts";
import { shownModel } from "../adapter/shown-model.ts";
import type { Variant } from "../adapter/variants.ts";
import type { ModuleKind } from "../core/module-kind.ts";
import { effectiveRank } from "../figures/spectrum.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { factorSvd } from "../linalg/factor-svd.ts";
import type { Warning } from "../plan/warning.ts";
import { type KroneckerFacts, kroneckerFacts } from "../units/kronecker.ts";
import { wholeOf } from "../units/read-computed.ts";
import { unmergeable } from "../units/unit-reader.ts";
import { blocksOf, type InspectedBlock } from "./blocks.ts";
import { moduleNames, readPool } from "./pools.ts";

/** The facts about one module of an adapter. */
export interface InspectedModule {
  readonly name: string;
  readonly kind: ModuleKind;
  readonly in: number;
  readonly out: number;
  readonly rank: number;
  readonly scale: number;
  readonly dtype: string;
  /** Frobenius norm of the delta. */
  readonly norm: number;
  /** Singular values of the delta, descending; those below about 1e-6 of the first are inaccurate. */
  readonly spectrum: readonly number[];
  /** exp of the spectrum's entropy. */
  readonly effectiveRank: number;
  /** Units whose delta is zero. */
  readonly dead: number;
}

/** The facts about an adapter, from its headers and values. */
export interface Inspection {
  readonly name: string;
  readonly format: DialectId;
  readonly baseModel: string | null;
  /** The image or video model that it is for, by its modules: its family, or that it is one; null for other models. */
  readonly model: string | null;
  readonly taskType: string | null;
  readonly bytes: number;
  /** What it is besides a plain LoRA, each as the rest of a sentence that begins with its name; usually empty. */
  readonly variants: readonly Variant[];
  /** Modules with a DoRA magnitude or a bias of B, embeddings with trained token rows, and tensors of variants that lora-lego does not apply. */
  readonly magnitudes: readonly string[];
  readonly biases: readonly string[];
  readonly tokenRows: readonly string[];
  readonly others: readonly string[];
  /** The modules' deltas s B A, without the effect of variants. */
  readonly modules: readonly InspectedModule[];
  /** The blocks of an image or video model of a known family, in its order; none for other models. */
  readonly blocks: readonly InspectedBlock[];
  readonly ranks: readonly number[];
  readonly scales: readonly number[];
  readonly dtypes: readonly string[];
  /** Frobenius norm of all deltas together. */
  readonly norm: number;
  readonly extras: readonly string[];
  readonly ignored: readonly string[];
  readonly unknownFields: readonly string[];
  readonly warnings: readonly Warning[];
}

/**
 * Read a whole adapter and describe it.
 *
 * @throws FormatError when a tensor holds NaN or infinite values
 */
export async function inspectOpened(kernels: Kernels, adapter: Adapter): Promise<Inspection> {
  const modules: InspectedModule[] = [];
  for (const name of moduleNames([adapter])) modules.push(await inspectModule(kernels, adapter, name));
  const zero = modules.filter(({ norm }) => norm === 0).length;
  return {
    name: adapter.name,
    format: adapter.format,
    baseModel: adapter.baseModel,
    model: shownModel([adapter]),
    taskType: adapter.taskType,
    bytes: adapter.files.reduce((sum, { size }) => sum + size, 0),
    variants: adapter.variants,
    magnitudes: [...adapter.magnitudes.keys()],
    biases: [...adapter.modules.values()].flatMap((module) => (module.bias === undefined ? [] : [module.name])),
    tokenRows: [...adapter.tokenRows.keys()],
    others: [...adapter.others.keys()],
    modules,
    blocks: blocksOf(adapter, modules),
    ranks: [...new Set(modules.map(({ rank }) => rank))],
    scales: [...new Set(modules.map(({ scale }) => scale))],
    dtypes: [...new Set(modules.map(({ dtype }) => dtype))],
    norm: Math.sqrt(modules.reduce((sum, { norm }) => sum + norm * norm, 0)),
    extras: [...adapter.extras.keys()],
    ignored: adapter.ignored,
    unknownFields: adapter.unknownFields,
    warnings: [...adapter.notices, ...zeroWarnings(adapter.name, zero, modules.length)],
  };
}

/** Warn about modules of an adapter that change nothing. */
export function zeroWarnings(name: string, zero: number, modules: number): Warning[] {
  if (zero === 0) return [];
  if (zero === modules) return [{ id: "zero-adapter", text: `${name} changes nothing: all its deltas are zero.` }];
  return [{ id: "zero-modules", text: `${zero} of ${modules} modules change nothing: their deltas are zero.` }];
}

async function inspectModule(kernels: Kernels, adapter: Adapter, name: string): Promise<InspectedModule> {
  const module = adapter.modules.get(name)!;
  const { kind, in: inputs, out, rank, scale, a, b } = module;
  const { sigma, dead } = (await productFacts(adapter, module)) ?? (await unitFacts(kernels, adapter, name));
  return {
    name,
    kind,
    in: inputs,
    out,
    rank,
    scale,
    dtype: a.dtype === b.dtype ? a.dtype.toLowerCase() : `${a.dtype}/${b.dtype}`.toLowerCase(),
    norm: Math.sqrt(sigma.reduce((sum, value) => sum + value * value, 0)),
    spectrum: sigma,
    effectiveRank: effectiveRank(sigma),
    dead,
  };
}

/** What a module's units tell. */
async function unitFacts(kernels: Kernels, adapter: Adapter, name: string): Promise<KroneckerFacts> {
  const pool = (await readPool(kernels, [adapter], name))!;
  return { sigma: factorSvd(pool.gramA, pool.gramB, pool.count).sigma, dead: pool.dead.length };
}

/** The same of a Kronecker product, which may have thousands of units; null for other modules. */
async function productFacts({ name, files }: Adapter, module: AdapterModule): Promise<KroneckerFacts | null> {
  const sides = kroneckerSides(module);
  if (sides === null) return null;
  const found = await kroneckerFacts((of) => wholeOf(files, of), sides);
  if (found === null) throw unmergeable(name, module.a);
  if (module.scale === 0) return { sigma: [], dead: module.rank };
  return { ...found, sigma: found.sigma.map((value) => value * Math.abs(module.scale)) };
}
