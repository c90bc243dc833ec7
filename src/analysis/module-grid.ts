import { compareNaturally } from "../core/natural-order.ts";

/** Modules in a grid: one row for each layer, one column for each kind of module. */
export interface ModuleGrid {
  readonly layers: readonly string[];
  readonly kinds: readonly string[];
  /** Name of the module at each row and column; null if there is none. */
  readonly cells: readonly (readonly (string | null)[])[];
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
  const at = new Map(places.map(({ name, layer, kind }) => [`${layer}\n${kind}`, name]));
  const short = shortNames(layers);
  return {
    layers: layers.map((layer) => short.get(layer)!),
    kinds,
    cells: layers.map((layer) => kinds.map((kind) => at.get(`${layer}\n${kind}`) ?? null)),
  };
}

/** Layers by their numbers alone, if the numbers are unique. */
function shortNames(layers: readonly string[]): ReadonlyMap<string, string> {
  const last = (layer: string): string => layer.slice(layer.lastIndexOf(".") + 1);
  const unique = new Set(layers.map(last)).size === layers.length;
  return new Map(layers.map((layer) => [layer, unique ? last(layer) || "-" : layer.replace(/^\./, "") || "-"]));
}
