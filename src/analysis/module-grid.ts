import { compareNaturally } from "../core/natural-order.ts";
import { layerKind } from "./audit/kind-conflicts.ts";

/** Modules in a grid: one row for each layer, one column for each kind of module. */
export interface ModuleGrid {
  readonly layers: readonly string[];
  readonly kinds: readonly string[];
  /** Names of the modules at each row and column; empty if there are none. */
  readonly cells: readonly (readonly (readonly string[])[])[];
}

/** The first number between dots or colons is the layer, the rest is the kind: model.layers.3.self_attn.q_proj. */
const LAYER = /^(.*?)(?:^|[.:])(\d+)(?:[.:](.+))?$/;

/** Sort module names into a grid. Layers of different parts of a model (text encoder, U-Net blocks) are rows of their own. */
export function moduleGrid(names: readonly string[]): ModuleGrid {
  const places = names.map((name) => {
    const [, before = "", layer, kind] = LAYER.exec(name) ?? [];
    return layer === undefined
      ? { name, layer: "", kind: name }
      : { name, layer: `${before}.${layer}`, kind: kind ?? "all" };
  });
  const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort(compareNaturally);
  const layers = distinct(places.map(({ layer }) => layer));
  const kinds = [...new Set(places.map(({ kind }) => kind))];
  const short = shortNames(layers);
  return {
    layers: layers.map((layer) => short.get(layer)!),
    kinds,
    cells: cellsOf(places, layers, kinds),
  };
}

/** Modules of an image or video model by block and by the last name of their path; a cell holds several. Others have rows of their own. */
export function blockGrid(modules: readonly { readonly name: string; readonly block: string | null }[]): ModuleGrid {
  const places = modules.map(({ name, block }) => ({ name, layer: block ?? name, kind: layerKind(name) }));
  const layers = [...new Set(places.map(({ layer }) => layer))];
  const kinds = [...new Set(places.map(({ kind }) => kind))];
  return { layers, kinds, cells: cellsOf(places, layers, kinds) };
}

interface Place {
  readonly name: string;
  readonly layer: string;
  readonly kind: string;
}

function cellsOf(places: readonly Place[], layers: readonly string[], kinds: readonly string[]): ModuleGrid["cells"] {
  const at = new Map<string, string[]>();
  for (const { name, layer, kind } of places) {
    const key = `${layer}\n${kind}`;
    at.set(key, [...(at.get(key) ?? []), name]);
  }
  return layers.map((layer) => kinds.map((kind) => at.get(`${layer}\n${kind}`) ?? []));
}

/** Layers by their numbers alone, if the numbers are unique. */
function shortNames(layers: readonly string[]): ReadonlyMap<string, string> {
  const last = (layer: string): string => layer.slice(layer.lastIndexOf(".") + 1);
  const unique = new Set(layers.map(last)).size === layers.length;
  return new Map(layers.map((layer) => [layer, unique ? last(layer) || "-" : layer.replace(/^\./, "") || "-"]));
}
