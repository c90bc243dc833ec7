import { maximum } from "../core/maximum.ts";

/** One expert's projection in a module's path. */
export interface ExpertPlace {
  /** The path before the experts: their layer, such as model.layers.0.mlp. */
  readonly layer: string;
  readonly expert: number;
  /** Its last name, such as w1 or up_proj. */
  readonly projection: string;
}

/** Which expert's projection a module is, where each expert has modules of its own; null for all others. */
export function expertOf(module: string): ExpertPlace | null {
  const match = /^(.+)\.experts\.(0|[1-9]\d*)\.([^.]+)$/.exec(module);
  return match === null ? null : { layer: match[1]!, expert: Number(match[2]), projection: match[3]! };
}

/**
 * The modules that PEFT under transformers 5 loads into the router and into parameters that hold all experts of a layer. They get the
 * config's own rank and lora_alpha, since no pattern names those parameters.
 */
export function stackedModules(modules: Iterable<string>): Set<string> {
  const names = [...modules];
  const layers = new Set(names.flatMap((name) => expertOf(name)?.layer ?? []));
  return new Set(names.filter((name) => expertOf(name) !== null || layers.has(name.replace(/\.gate$/, ""))));
}

/**
 * Give experts and their routers one rank, the largest among them. The others are padded with zero units, which changes no delta;
 * cutting the larger ones would.
 *
 * @returns the modules with their ranks, and that rank; null where there are no experts
 */
export function evenExperts<M extends { readonly name: string; readonly rank: number }>(
  modules: readonly M[],
): { readonly modules: readonly M[]; readonly rank: number | null } {
  const stacked = stackedModules(modules.map(({ name }) => name));
  if (stacked.size === 0) return { modules, rank: null };
  const rank = maximum(modules.filter(({ name }) => stacked.has(name)).map((module) => module.rank));
  return { modules: modules.map((module) => (stacked.has(module.name) ? { ...module, rank } : module)), rank };
}

/** The projections of an expert, in both naming styles: gate and up, one parameter where experts are stacked, and down. */
const PROJECTIONS = [
  { gate: "w1", up: "w3", down: "w2" },
  { gate: "gate_proj", up: "up_proj", down: "down_proj" },
] as const;

/** The stacked parameter that one expert's projection is part of; null for names that experts do not have. */
export function stackedParameter(projection: string): "gate_up_proj" | "down_proj" | null {
  const own = PROJECTIONS.find((names) => Object.values<string>(names).includes(projection));
  if (own === undefined) return null;
  return projection === own.down ? "down_proj" : "gate_up_proj";
}

/**
 * The first layer whose experts cannot be stacked because a projection is missing: gate and up become one parameter, which is found
 * only where down is adapted too.
 */
export function expertGap(modules: Iterable<string>): { readonly layer: string; readonly lacks: string } | null {
  const layers = new Map<string, Set<string>>();
  for (const name of modules) {
    const place = expertOf(name);
    if (place !== null) layers.set(place.layer, (layers.get(place.layer) ?? new Set()).add(place.projection));
  }
  for (const [layer, projections] of layers) {
    for (const { gate, up, down } of PROJECTIONS) {
      const lacks = [gate, up, down].filter((own) => !projections.has(own));
      if ((projections.has(gate) || projections.has(up)) && lacks.length > 0)
        return { layer, lacks: lacks.join(" and ") };
    }
  }
  return null;
}
