import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { expertOf, stackedParameter } from "../../adapter/experts.ts";
import { newestName } from "../../adapter/names/renamed.ts";
import { storedNames } from "../../adapter/names/stored-names.ts";
import { halvesOf } from "../../adapter/weights/gate-and-up.ts";
import { isConv1d } from "../../fuse/conv1d.ts";
import { type BaseFacts, inGguf, inTransformers, type StoredShape, stackInGguf } from "../base-facts.ts";

/** A weight that was found in a base. */
export interface Found {
  /** Its name in the base. */
  readonly key: string;
  /** Other names in the base that match equally well; usually none. */
  readonly others: readonly string[];
  /** Null if unknown: for quantized weights, and if several weights match. */
  readonly shape: StoredShape;
  /** Whether the two names come from different releases of transformers. */
  readonly renamed: boolean;
}

/** The place of an adapter's module in a base. */
export interface BasePlace {
  readonly module: AdapterModule;
  /** Null if the base has no such module. */
  readonly found: Found | null;
  /** Whether its delta has the weight's shape; null if that is unknown. */
  readonly fits: boolean | null;
}

/** Find weights by the same names as fuse: transformers names of any release, with or without a known prefix. */
export function finder(stored: ReadonlyMap<string, StoredShape>): (name: string) => Found | null {
  return (name) => {
    const [key, ...others] = storedNames(stored, name);
    if (key === undefined) return null;
    const renamed = key !== name && newestName(key) === newestName(name);
    return { key, others, shape: others.length > 0 ? null : stored.get(key)!, renamed };
  };
}

/** The place of each module in a base; null if names are of different formats and no family translates them. */
export function placesIn(base: BaseFacts, { format, modules, fanInFanOut }: Adapter): BasePlace[] | null {
  // Programs for PEFT folders translate nothing: llama.cpp's names in one are no modules of a base.
  const asNamed = (_: BaseFacts, name: string): string => name;
  const translate = base.naming === "gguf" ? inGguf : format === "gguf" ? inTransformers : asNamed;
  const find = finder(base.modules!);
  const type = base.config?.modelType ?? null;
  const places: BasePlace[] = [];
  for (const module of modules.values()) {
    const stacked = base.naming === "gguf" ? placeInStack(base, module, find) : null;
    if (stacked !== null) {
      places.push(stacked);
      continue;
    }
    const name = translate(base, module.name);
    if (name === null && base.family === null) return null;
    const found = name === null ? null : find(name);
    // GPT-2's Conv1D is stored as (in, out), except in GGUF files. Without a config the base may have it or not.
    const turned = base.naming === "transformers" && (fanInFanOut || type === null || isConv1d(module.name, type));
    if (found !== null) places.push({ module, found, fits: fitsIn(module, found.shape, turned) });
    else places.push((name === null ? null : expertPlace(module, name, find)) ?? { module, found, fits: null });
  }
  return places;
}

function fitsIn(
  { kind, in: inputs, out, inputShape }: AdapterModule,
  shape: StoredShape,
  mayTurn: boolean,
): boolean | null {
  if (shape === null) return null;
  const stored = shape.join();
  const turned = stored === `${inputs},${out}`;
  if (kind === "embedding") return turned;
  return stored === [out, ...inputShape].join() || (mayTurn && kind !== "conv" && turned);
}

/** An expert in a GGUF model, which holds those of a layer in one tensor, gate and up apart but for few families. */
function placeInStack(base: BaseFacts, module: AdapterModule, find: (name: string) => Found | null): BasePlace | null {
  const [half] = stackInGguf(base, module.name) === null ? halvesOf(module, false) : [module];
  const stack = half === undefined ? null : stackInGguf(base, half.name);
  if (stack === null) return null;
  const found = find(stack);
  const sizes = found?.shape?.slice(1).join();
  return { module, found, fits: sizes === undefined ? null : sizes === `${half!.out},${half!.in}` };
}

/** An expert in a base of the other form. */
function expertPlace(module: AdapterModule, name: string, find: (name: string) => Found | null): BasePlace | null {
  return stackedPlace(module, name, find) ?? halfPlace(module, name, find);
}

/** Gate and up of an expert as one weight, in a base that has them apart. */
function halfPlace(module: AdapterModule, name: string, find: (name: string) => Found | null): BasePlace | null {
  const [gate] = halvesOf({ ...module, name }, false);
  const found = gate === undefined || gate.name === name ? null : find(gate.name);
  if (found === null) return null;
  return { module, found, fits: found.shape === null ? null : found.shape.join() === `${module.out / 2},${module.in}` };
}

/** A single expert in a base that stacks all experts of a layer into one parameter. */
function stackedPlace(module: AdapterModule, name: string, find: (name: string) => Found | null): BasePlace | null {
  const place = expertOf(name);
  const parameter = place === null ? null : stackedParameter(place.projection);
  if (place === null || parameter === null) return null;
  const found = find(`${place.layer}.experts.${parameter}`);
  if (found === null || (found.shape !== null && place.expert >= found.shape[0]!)) return null;
  const { in: inputs, out } = module;
  const rows = parameter === place.projection || parameter === "down_proj" ? out : 2 * out;
  const sizes = found.shape?.slice(1).join();
  const fits = sizes === undefined ? null : sizes === `${rows},${inputs}` || sizes === `${inputs},${rows}`;
  return { module, found, fits };
}
