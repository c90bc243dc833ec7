import type { Adapter, UnitId } from "../adapter/adapter.ts";
import { refuseMisfits } from "../adapter/compatibility.ts";
import { seededRandom } from "../core/random.ts";
import { type DeltaFigures, deltaFigures, deltaProducts, sumProducts } from "../figures/delta.ts";
import { clusterPurity, type Purity } from "../figures/purity.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { factorSvd } from "../linalg/factor-svd.ts";
import { symmetricEigen } from "../linalg/symmetric-eigen.ts";
import { frameUnits } from "../methods/lego/frame.ts";
import type { LegoOptions } from "../methods/lego/options.ts";
import type { Pool } from "../units/pool.ts";
import { legoOn } from "./lego-on.ts";
import { adapterSpectrum, readPool } from "./pools.ts";

/** Number of random clusterings that purity is compared with. */
const DRAWS = 50;
/** Coordinates beyond these make no visible difference. */
const MOST_AXES = 32;

/** One unit: its origin and the lengths of its halves. */
export interface ViewedUnit {
  readonly id: UnitId;
  readonly lengthA: number;
  readonly lengthB: number;
}

/** The units of one module in the plane of their largest variance. */
export interface ModulePlane {
  readonly name: string;
  readonly in: number;
  readonly out: number;
  /** In the same order as all other arrays here. */
  readonly units: readonly ViewedUnit[];
  /** (N, axes): principal coordinates, with the same distances as the units; the first two are the plane. */
  readonly coordinates: readonly (readonly number[])[];
  /** Share of the variance on each axis. */
  readonly explained: readonly number[];
  /** Cosine of each pair of units, (N, N). */
  readonly cosines: readonly (readonly number[])[];
  /** Singular values of each adapter's delta; empty if it lacks the module. */
  readonly spectra: readonly (readonly number[])[];
}

/** A cluster: its members by position, and their reweighting. */
export interface ViewedCluster {
  readonly members: readonly number[];
  /** Factor of the parameter reweighting; null if the members cancelled. */
  readonly reweight: number | null;
}

/** LEGO's result for the module at one k. */
export interface Clustering extends DeltaFigures {
  readonly k: number;
  readonly clusters: readonly ViewedCluster[];
  readonly inertia: number;
  readonly purity: Purity;
  /** Singular values of the merged delta. */
  readonly spectrum: readonly number[];
  readonly shareOfB: number | null;
}

/** One module of some adapters, with its units in kernel memory, so that trying another k is fast. */
export class ModuleView {
  readonly #pool: Pool;
  readonly name: string;
  readonly #inputs: number;
  /** The position of each unit in the plane, by its id; it depends on the gauge alone. */
  readonly #places = new Map<LegoOptions["gauge"], ReadonlyMap<string, number>>();

  private constructor(pool: Pool, name: string, inputs: number) {
    this.#pool = pool;
    this.name = name;
    this.#inputs = inputs;
  }

  /**
   * Read a module; the view is void when the same kernels read another module.
   *
   * @returns null if no adapter has it
   * @throws RefusedError for adapters of different models or shapes
   */
  static async open(kernels: Kernels, adapters: readonly Adapter[], name: string): Promise<ModuleView | null> {
    refuseMisfits(adapters, true, false);
    const pool = await readPool(kernels, adapters, name);
    return pool === null ? null : new ModuleView(pool, name, adapters.length);
  }

  /** The units as they are clustered with these options. */
  async plane(options: LegoOptions): Promise<ModulePlane> {
    const pool = this.#pool;
    return pool.freely(async () => {
      const { ids, gramA, gramB } = await frameUnits(pool, options, 1);
      const n = ids.length;
      const gram = gramA.map((value, cell) => value + gramB[cell]!);
      const lengths = Array.from({ length: n }, (_, i) => Math.sqrt(gram[i * n + i]!));
      const { coordinates, explained } = principalCoordinates(gram, n);
      return {
        name: this.name,
        in: pool.in,
        out: pool.out,
        units: ids.map((id, i) => ({
          id,
          lengthA: Math.sqrt(gramA[i * n + i]!),
          lengthB: Math.sqrt(gramB[i * n + i]!),
        })),
        coordinates,
        explained,
        cosines: lengths.map((one, i) => lengths.map((other, j) => gram[i * n + j]! / (one * other))),
        spectra: Array.from({ length: this.#inputs }, (_, t) => adapterSpectrum(pool, t)),
      };
    });
  }

  /** Cluster the units into k. */
  async cluster(k: number, options: LegoOptions): Promise<Clustering> {
    const pool = this.#pool;
    return pool.freely(async () => {
      const places = await this.#placesIn(options);
      const { merged, cut } = await legoOn(pool, k, options);
      const { clusters, inertia, shareOfB } = merged;
      const products = deltaProducts(pool, cut.products, this.#inputs, 1);
      const weights = Array.from({ length: this.#inputs }, () => 1);
      const adapters = clusters!.map(({ members }) => members.map(([adapter]) => adapter));
      return {
        k: clusters!.length,
        clusters: clusters!.map(({ members, reweight }) => ({
          members: members.map((id) => places.get(id.join())!),
          reweight,
        })),
        inertia: inertia!,
        purity: clusterPurity(adapters, seededRandom(0), DRAWS),
        spectrum: factorSvd(cut.products.amongA, cut.products.amongB, cut.products.count).sigma,
        shareOfB: shareOfB ?? null,
        ...deltaFigures(products, sumProducts(products, weights)),
      };
    });
  }

  async #placesIn(options: LegoOptions): Promise<ReadonlyMap<string, number>> {
    const known = this.#places.get(options.gauge);
    if (known !== undefined) return known;
    const { ids } = await frameUnits(this.#pool, options, 1);
    const places = new Map(ids.map((id, i) => [id.join(), i]));
    this.#places.set(options.gauge, places);
    return places;
  }
}

/** Classical scaling: the eigenvectors of the centred Gram matrix times the roots of its eigenvalues. */
function principalCoordinates(gram: Float64Array, n: number) {
  const means = Array.from({ length: n }, (_, i) => meanOf(gram.subarray(i * n, (i + 1) * n)));
  const grand = meanOf(means);
  const centred = gram.map((value, cell) => value - means[Math.floor(cell / n)]! - means[cell % n]! + grand);
  const axes = Math.min(n, MOST_AXES);
  const { values, vectors } = symmetricEigen(centred, n, axes);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const roots = Array.from({ length: axes }, (_, j) => Math.sqrt(Math.max(0, values[j]!)));
  return {
    coordinates: Array.from({ length: n }, (_, i) => roots.map((root, j) => root * vectors[j * n + i]!)),
    explained: roots.map((root) => (total === 0 ? 0 : (root * root) / total)),
  };
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return values.length === 0 ? 0 : sum / values.length;
}
