import type { AdapterModule } from "../adapter/adapter.ts";
import { expertOf, gateAndUp, swappedSizes } from "../adapter/experts.ts";
import { type MlxFamily, mlxName } from "../adapter/names/mlx.ts";
import { cutFactor } from "../adapter/weights/cut.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";

/** One projection of all experts in a layer, which mlx-lm stacks. */
export interface ExpertStack {
  readonly name: string;
  /** By expert; null for those that the adapter does not change. */
  readonly experts: readonly (AdapterModule | null)[];
  readonly in: number;
  readonly out: number;
}

/**
 * Separate the experts from the other modules, and group them by layer and projection.
 *
 * @param name of the adapter
 * @throws UsageError without a base, which says how many experts there are; RefusedError for experts that it has no place for
 */
export function stackExperts(
  name: string,
  modules: readonly AdapterModule[],
  base: { readonly family: MlxFamily; readonly config: ModelConfig } | null,
): { readonly stacks: ExpertStack[]; readonly others: AdapterModule[] } {
  const others: AdapterModule[] = [];
  const stacks = new Map<string, (AdapterModule | null)[]>();
  refuseSwapped(name, modules);
  for (const module of modules.flatMap((one) => halvesOf(one))) {
    if (!module.name.split(".").includes("experts")) {
      others.push(module);
      continue;
    }
    if (base === null) {
      throw new UsageError(
        `${name}: mlx-lm stacks the experts of a layer, such as ${module.name}, and only the base model says how many there are; pass its config.json as --base-config.`,
      );
    }
    const { family, config } = base;
    if (family.experts !== null && config.experts === null) {
      throw new UsageError(
        `${name}: the config.json passed as --base-config does not say how many experts a layer has (such as num_experts), so ${module.name} has no place; pass the base model's own config.json.`,
      );
    }
    const place = expertOf(module.name);
    const projection = place === null ? undefined : family.experts?.projections[place.projection];
    const path = place === null ? null : mlxName(family, place.layer);
    if (projection === undefined || path === null || config.experts === null || place!.expert >= config.experts) {
      throw new RefusedError(
        `${name}: ${module.name} is not an expert that mlx-lm adapts in ${config.wholeType} models${config.experts === null ? "" : ` (${config.experts} per layer)`}; leave it out with lora-lego merge --exclude ${module.name}.`,
      );
    }
    const key = `${path}.${family.experts!.stack}.${projection}`;
    const experts = stacks.get(key) ?? Array<null>(config.experts).fill(null);
    experts[place!.expert] = module;
    stacks.set(key, experts);
  }
  return { others, stacks: Array.from(stacks, ([key, experts]) => stackOf(name, key, experts)) };
}

/** Refuse parameters whose A takes the outputs. */
function refuseSwapped(name: string, modules: readonly AdapterModule[]): void {
  const swapped = swappedSizes(modules);
  if (swapped === null) return;
  throw new RefusedError(
    `${name}: ${swapped}, so mlx-lm has no place for them; fuse the adapter into its base model instead.`,
  );
}

/** Gate and up of an expert that has them as one weight; other modules as they are. */
function halvesOf(module: AdapterModule): AdapterModule[] {
  const names = gateAndUp(module.name);
  const out = module.out / 2;
  if (names.length === 0 || !Number.isInteger(out)) return [module];
  return names.flatMap((name, i) => {
    const b = cutFactor(module.b, i * out, out);
    return b === null ? [] : [{ ...module, name, out, b }];
  });
}

function stackOf(name: string, key: string, experts: readonly (AdapterModule | null)[]): ExpertStack {
  const present = experts.filter((module) => module !== null);
  const [first] = present as [AdapterModule];
  const odd = present.find(({ in: inputs, out }) => inputs !== first.in || out !== first.out);
  if (odd === undefined) return { name: key, experts, in: first.in, out: first.out };
  throw new RefusedError(
    `${name}: ${first.name} is ${first.in} -> ${first.out}, but ${odd.name} is ${odd.in} -> ${odd.out}, and mlx-lm stacks only experts of one shape; pass an adapter of one base model.`,
  );
}
