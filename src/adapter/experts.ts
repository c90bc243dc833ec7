import { isExpertParameter, isPart, type ParameterPart, placeOfPart } from "../formats/peft-folder/parameters.ts";

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

/** A module as far as its place among experts matters. */
interface MaybeExpert {
  readonly name: string;
  readonly parameter?: ParameterPart;
}

/**
 * The modules of single experts, and their routers, that PEFT under transformers 5 loads into parameters that hold all experts of a layer.
 * They get the config's own rank and lora_alpha, since no pattern names those parameters.
 */
export function stackedModules(modules: Iterable<MaybeExpert>): Set<string> {
  const names = Array.from(modules).flatMap((module) => (isPart(module) ? [] : [module.name]));
  const layers = new Set(names.flatMap((name) => expertOf(name)?.layer ?? []));
  return new Set(names.filter((name) => expertOf(name) !== null || layers.has(name.replace(/\.gate$/, ""))));
}

/** What the modules of single experts and their routers are called together. */
export const SINGLE_EXPERTS = "experts";

/**
 * What is stored together, and so has one rank and scale: experts that are modules of their own with their routers, and the experts of each
 * parameter; null for other modules.
 */
export function storedTogether(modules: readonly MaybeExpert[]): (module: MaybeExpert) => string | null {
  const stacked = stackedModules(modules);
  return (module) => {
    if (isPart(module)) return placeOfPart(module).path;
    return stacked.has(module.name) ? SINGLE_EXPERTS : null;
  };
}

/**
 * Give modules that are stored together one rank, the largest among them. The others are padded with zero units, which changes no delta;
 * cutting the larger ones would.
 *
 * @returns the modules with their ranks, and that of experts that are modules of their own; null where there are none
 */
export function evenExperts<M extends MaybeExpert & { readonly rank: number }>(
  modules: readonly M[],
): { readonly modules: readonly M[]; readonly rank: number | null } {
  const groups = modules.map(storedTogether(modules));
  const ranks = new Map<string | null, number>();
  for (const [i, group] of groups.entries()) ranks.set(group, Math.max(ranks.get(group) ?? 0, modules[i]!.rank));
  const even = modules.map((module, i) => (groups[i] === null ? module : { ...module, rank: ranks.get(groups[i]!)! }));
  return { modules: even, rank: ranks.get(SINGLE_EXPERTS) ?? null };
}

/** The projections of an expert, in both naming styles: gate and up, one parameter where experts are stacked, and down. */
export const PROJECTIONS = [
  { gate: "w1", up: "w3", down: "w2" },
  { gate: "gate_proj", up: "up_proj", down: "down_proj" },
] as const;

/** What an expert's projection does; null for names that experts do not have, or have for gate and up together. */
export function roleOf(projection: string): "gate" | "up" | "down" | null {
  for (const names of PROJECTIONS) {
    const found = (["gate", "up", "down"] as const).find((role) => names[role] === projection);
    if (found !== undefined) return found;
  }
  return null;
}

/** The parameter of gate and up. */
export const GATE_UP = "gate_up_proj";

/** The stacked parameter that one expert's projection is, or is part of; null for names that experts do not have. */
export function stackedParameter(projection: string): typeof GATE_UP | "down_proj" | null {
  if (projection === GATE_UP) return projection;
  const role = roleOf(projection);
  if (role === null) return null;
  return role === "down" ? "down_proj" : GATE_UP;
}

/**
 * The first layer whose parameters of experts are others than gate_up_proj and down_proj together: vLLM tells these two by their places in
 * each other, and takes no others.
 */
export function unpairedParameters(
  modules: Iterable<MaybeExpert>,
): { readonly layer: string; readonly names: readonly string[] } | null {
  const layers = new Map<string, Set<string>>();
  for (const module of modules) {
    if (!isPart(module) || !isExpertParameter(module.parameter.name)) continue;
    const { owner } = placeOfPart(module);
    layers.set(owner, (layers.get(owner) ?? new Set()).add(module.parameter.name));
  }
  for (const [layer, names] of layers) {
    if (names.size !== 2 || !names.has(GATE_UP) || !names.has("down_proj")) return { layer, names: [...names] };
  }
  return null;
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

/** A module of an expert, with the sizes of its delta. */
interface SizedModule {
  readonly name: string;
  readonly in: number;
  readonly out: number;
}

/**
 * What shows that A takes the outputs of an expert's parameters, as some releases of PEFT saved them: down takes what gate and up give, half
 * of it each. Part of a sentence; null where nothing does.
 */
export function swappedSizes(modules: Iterable<SizedModule>): string | null {
  const all = [...modules];
  const downs = new Map<string, SizedModule>();
  for (const module of all) {
    const place = expertOf(module.name);
    if (place?.projection === "down_proj") downs.set(`${place.layer} ${place.expert}`, module);
  }
  for (const module of all) {
    const place = expertOf(module.name);
    const down = place?.projection === GATE_UP ? downs.get(`${place.layer} ${place.expert}`) : undefined;
    if (down === undefined || (module.in === down.out && module.out === 2 * down.in)) continue;
    return `${module.name} is ${module.in} -> ${module.out} and ${down.name} is ${down.in} -> ${down.out}, which do not follow each other; a PEFT that had the two sizes of a parameter the other way round saved them`;
  }
  return null;
}
