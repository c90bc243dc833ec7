import type { AdapterModule } from "../adapter/adapter.ts";
import { swappedSizes } from "../adapter/experts.ts";
import { ggufExpert } from "../adapter/names/gguf.ts";
import { halvesOf } from "../adapter/weights/gate-and-up.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";

/** How a program stacks the experts of a layer: one tensor of three dimensions for each projection. */
export interface Stacking {
  /** What messages call it, and the models that it is asked for. */
  readonly program: string;
  readonly models: string;
  /** Experts per layer; null where the base's config does not say. */
  readonly experts: number | null;
  /** Whether the base has the rows of gate and up in turn, where an adapter has them as one weight. */
  readonly inTurn: boolean;
  /** The tensor of an expert's module, and its place there; null where the program has none. */
  placeOf(module: string): { readonly stack: string; readonly expert: number } | null;
}

/** One projection of all experts in a layer. */
export interface ExpertStack {
  readonly name: string;
  /** By expert; null for those that the adapter does not change. */
  readonly experts: readonly (AdapterModule | null)[];
  readonly in: number;
  readonly out: number;
  /** The largest among them. */
  readonly rank: number;
}

/**
 * Separate the experts from the other modules, and group them by layer and projection.
 *
 * @param name of the adapter
 * @param stacking null where the base is not known
 * @throws UsageError without a base, which says how many experts there are; RefusedError for experts that it has no place for
 */
export function stackExperts(
  name: string,
  modules: readonly AdapterModule[],
  stacking: Stacking | null,
): { readonly stacks: ExpertStack[]; readonly others: AdapterModule[] } {
  const others = modules.filter((module) => !isExpert(module));
  const experts = modules.filter(isExpert);
  const [first] = experts;
  if (first === undefined) return { others, stacks: [] };
  if (stacking === null) {
    throw new UsageError(
      `${name}: this format stacks the experts of a layer, such as ${first.name}, and only the base model says how many there are; pass its config.json as --base-config.`,
    );
  }
  refuseSwapped(name, modules, stacking);
  const stacks = new Map<string, (AdapterModule | null)[]>();
  const apart = (one: AdapterModule): readonly AdapterModule[] =>
    stacking.placeOf(one.name) === null ? halvesOf(one, stacking.inTurn) : [one];
  for (const module of experts.flatMap(apart)) {
    const { stack, expert } = placed(name, module, stacking);
    const own = stacks.get(stack) ?? Array<null>(stacking.experts!).fill(null);
    own[expert] = module;
    stacks.set(stack, own);
  }
  return { others, stacks: Array.from(stacks, ([key, own]) => stackOf(name, key, own, stacking)) };
}

function isExpert({ name }: AdapterModule): boolean {
  return name.split(".").includes("experts") || ggufExpert(name) !== null;
}

function placed(name: string, module: AdapterModule, { program, models, experts, placeOf }: Stacking) {
  const place = placeOf(module.name);
  if (place !== null && experts === null) {
    throw new UsageError(
      `${name}: the config.json passed as --base-config does not say how many experts a layer has (such as num_experts), so ${module.name} has no place; pass the base model's own config.json.`,
    );
  }
  if (place !== null && place.expert < experts!) return place;
  throw new RefusedError(
    `${name}: ${module.name} is not an expert that ${program} adapts in ${models}${experts === null ? "" : ` (${experts} per layer)`}; leave it out with lora-lego merge --exclude ${module.name}.`,
  );
}

/** Refuse parameters whose A takes the outputs. */
function refuseSwapped(name: string, modules: readonly AdapterModule[], { program }: Stacking): void {
  const swapped = swappedSizes(modules);
  if (swapped === null) return;
  throw new RefusedError(
    `${name}: ${swapped}, so ${program} has no place for them; fuse the adapter into its base model instead.`,
  );
}

function stackOf(
  name: string,
  key: string,
  experts: readonly (AdapterModule | null)[],
  { program }: Stacking,
): ExpertStack {
  const present = experts.filter((module) => module !== null);
  const [first] = present as [AdapterModule];
  const odd = present.find(({ in: inputs, out }) => inputs !== first.in || out !== first.out);
  if (odd === undefined)
    return { name: key, experts, in: first.in, out: first.out, rank: maximum(present.map(({ rank }) => rank)) };
  throw new RefusedError(
    `${name}: ${first.name} is ${first.in} -> ${first.out}, but ${odd.name} is ${odd.in} -> ${odd.out}, and ${program} stacks only experts of one shape; pass an adapter of one base model.`,
  );
}
