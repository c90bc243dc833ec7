import type { AdapterModule, ComputedFactor, MatrixHalves, ReadAdapter } from "../read-adapter.ts";
import { computedFactor } from "./computed.ts";

/** The two sides of a module whose delta is a Kronecker product; null for other modules. */
export function kroneckerSides({ a, b }: Pick<AdapterModule, "a" | "b">): KroneckerSides | null {
  if (!("matrix" in a) || !("matrix" in b)) return null;
  if (a.matrix.op !== "kronecker" || b.matrix.op !== "kronecker") return null;
  return { left: { a: a.matrix.left, b: b.matrix.left }, right: { a: a.matrix.right, b: b.matrix.right } };
}

/** W1 and W2 of a Kronecker product. */
export interface KroneckerSides {
  readonly left: MatrixHalves;
  readonly right: MatrixHalves;
}

/**
 * A module of a Kronecker product at its leading singular units, which are products of those of both sides: the nearest delta of that
 * rank, found without the units of the whole. Other modules, and smaller ones, are unchanged.
 */
export function leadingUnits(module: AdapterModule, rank: number): AdapterModule {
  const sides = kroneckerSides(module);
  if (module.rank <= rank || sides === null) return module;
  const half = (of: "a" | "b"): ComputedFactor =>
    computedFactor(module[of].name, { op: "leading", half: of, ...sides, rows: rank, columns: module[of].size });
  return { ...module, rank, a: half("a"), b: half("b") };
}

/** The rank that a module has in its file, of which it may be read at the leading units. */
export function wholeRank({ a, rank }: Pick<AdapterModule, "a" | "rank">): number {
  if (!("matrix" in a) || a.matrix.op !== "leading") return rank;
  return a.matrix.left.a.rows * a.matrix.right.a.rows;
}

/** An adapter all of whose Kronecker products are read at their leading singular units. */
export function atLeadingUnits<A extends Pick<ReadAdapter, "modules" | "notices">>(adapter: A, rank: number): A {
  return {
    ...adapter,
    modules: new Map(Array.from(adapter.modules, ([name, module]) => [name, leadingUnits(module, rank)])),
    notices: adapter.notices.filter(({ id }) => id !== "exact-rank"),
  };
}
