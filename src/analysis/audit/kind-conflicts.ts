import { numberedList } from "../../adapter/names/numbered.ts";
import { orderlessSum } from "../../core/sum.ts";
import { type DeltaProducts, normOf } from "../../figures/delta.ts";

/** How much the adapters' deltas agree and disagree in the layers of one kind, over all pairs of adapters. */
export interface KindConflict {
  /** The last name in the modules' paths, such as q_proj. */
  readonly kind: string;
  /** How many modules of this kind at least two adapters change. */
  readonly modules: number;
  /** Sum of the positive <D_t, D_u> divided by the sum of |D_t| |D_u|, over modules and pairs: 1 for copies. */
  readonly overlap: number;
  /** The same for the negative ones: 1 for opposites. */
  readonly cancel: number;
  /** Share of the sampled entries with different signs, mean over the modules; null if there are none. */
  readonly signConflicts: number | null;
}

interface KindSum {
  modules: number;
  overlap: number;
  cancel: number;
  size: number;
  readonly signs: number[];
}

/** Sums over modules by kind of layer. */
export class KindConflicts {
  readonly #kinds = new Map<string, KindSum>();

  /** @param signs share of the module's sampled entries in which two adapters differ; null if there are none */
  add(module: string, products: DeltaProducts, signs: number | null): void {
    const inputs = products.cross.length;
    const norms = products.cross.map((_, t) => normOf(products, t));
    if (norms.filter((norm) => norm > 0).length < 2) return;
    const kind = layerKind(module);
    const sum = this.#kinds.get(kind) ?? { modules: 0, overlap: 0, cancel: 0, size: 0, signs: [] };
    this.#kinds.set(kind, sum);
    sum.modules++;
    if (signs !== null) sum.signs.push(signs);
    const pairs = norms.flatMap((norm, t) =>
      norms.slice(t + 1).map((other, x) => ({
        product: products.inputs[t * inputs + t + 1 + x]!,
        size: norm * other,
      })),
    );
    sum.overlap += orderlessSum(pairs.map(({ product }) => Math.max(0, product)));
    sum.cancel += orderlessSum(pairs.map(({ product }) => Math.max(0, -product)));
    sum.size += orderlessSum(pairs.map(({ size }) => size));
  }

  /** Most cancelling kinds first, then by name. */
  get rows(): KindConflict[] {
    const rows = Array.from(this.#kinds, ([kind, { modules, overlap, cancel, size, signs }]) => ({
      kind,
      modules,
      overlap: overlap / size,
      cancel: cancel / size,
      signConflicts: signs.length === 0 ? null : signs.reduce((sum, value) => sum + value, 0) / signs.length,
    }));
    return rows.sort(
      (one, other) => other.cancel - one.cancel || (one.kind < other.kind ? -1 : one.kind > other.kind ? 1 : 0),
    );
  }
}

/** A module's kind: the last name of its path; numbers behind it are places in a list ("to_out.0"), and so are those of a list of layers. */
export function layerKind(module: string): string {
  return (
    numberedList(module) ??
    module
      .split(".")
      .filter((part) => !/^\d+$/.test(part))
      .at(-1) ??
    module
  );
}
