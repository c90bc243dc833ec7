import type { SafetensorsLayout } from "../safetensors/layout.ts";
import { type StoredModule, storedFactors } from "./factors.ts";
import { isPart, placeOfPart } from "./parameters.ts";

/** A byte range of a file. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** Where a module's factors are in the weights' file. */
export interface FactorPlaces {
  readonly a: Range;
  /** The whole tensor where it is one expert of a parameter whose columns of B are among the others'. */
  readonly b: Range;
  /** Its place among the experts of its parameter; null where its factors are tensors of their own. */
  readonly expert: number | null;
}

/** The places of modules, by their names. @param layout of these modules, from `layoutWeights` */
export function factorPlaces(
  modules: readonly StoredModule[],
  { tensors }: SafetensorsLayout,
): Map<string, FactorPlaces> {
  const range = (key: string): Range => {
    const { begin, end } = tensors.get(key)!;
    return { begin, end };
  };
  const places = new Map<string, FactorPlaces>();
  for (const { modules: own, a, b } of storedFactors(modules)) {
    for (const module of own) places.set(module.name, placeIn(module, range(a.name), range(b.name)));
  }
  return places;
}

/** The places of a module's factors in the tensors that hold them. */
function placeIn(module: StoredModule, a: Range, b: Range): FactorPlaces {
  if (!isPart(module) || module.parameter.experts === 1) return { a, b, expert: null };
  const { experts, stacked } = module.parameter;
  const { expert } = placeOfPart(module);
  const own = sliceOf(a, expert, experts);
  return stacked === true ? { a: own, b: sliceOf(b, expert, experts), expert: null } : { a: own, b, expert };
}

/** One of several equal parts of a range. */
export function sliceOf({ begin, end }: Range, index: number, count: number): Range {
  const bytes = (end - begin) / count;
  return { begin: begin + index * bytes, end: begin + (index + 1) * bytes };
}
