import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { expertOf, stackedParameter } from "../../adapter/experts.ts";
import { newestName } from "../../adapter/names/renamed.ts";
import { storedNames } from "../../adapter/names/stored-names.ts";
import { isConv1d } from "../../fuse/conv1d.ts";
import { type BaseFacts, inGguf, inTransformers, type StoredShape } from "../base-facts.ts";

/** A weight of a base under a name that was looked for. */
export interface Found {
  /** What the base calls it. */
  readonly key: string;
  /** Further names that it may be under just as well; none for most. */
  readonly others: readonly string[];
  /** Null where it is not known: of quantized weights, and where several may be meant. */
  readonly shape: StoredShape;
  /** Whether the two names are of different releases of transformers. */
  readonly renamed: boolean;
}

/** Where a module of an adapter lies in a base. */
export interface BasePlace {
  readonly module: AdapterModule;
  /** Null where the base has no such module. */
  readonly found: Found | null;
  /** Whether its delta has the weight's shape; null where that is not known. */
  readonly fits: boolean | null;
}

/** Look for weights by the names that fuse goes by: in transformers, of any release, with a known prefix more or less. */
export function finder(stored: ReadonlyMap<string, StoredShape>): (name: string) => Found | null {
  return (name) => {
    const [key, ...others] = storedNames(stored, name);
    if (key === undefined) return null;
    const renamed = key !== name && newestName(key) === newestName(name);
    return { key, others, shape: others.length > 0 ? null : stored.get(key)!, renamed };
  };
}

/** The place of each module in a base; null where the names of the two are of different formats and no family translates them. */
export function placesIn(base: BaseFacts, { format, modules, fanInFanOut }: Adapter): BasePlace[] | null {
  // Programs for PEFT folders translate nothing: llama.cpp's names in one are no modules of a base.
  const asNamed = (_: BaseFacts, name: string): string => name;
  const translate = base.naming === "gguf" ? inGguf : format === "gguf" ? inTransformers : asNamed;
  const find = finder(base.modules!);
  const type = base.config?.modelType ?? null;
  const places: BasePlace[] = [];
  for (const module of modules.values()) {
    const name = translate(base, module.name);
    if (name === null && base.family === null) return null;
    const found = name === null ? null : find(name);
    // GPT-2's Conv1D is stored as (in, out), but for GGUF files; of a base without a config nobody knows.
    const turned = base.naming === "transformers" && (fanInFanOut || type === null || isConv1d(module.name, type));
    if (found !== null) places.push({ module, found, fits: fitsIn(module, found.shape, turned) });
    else places.push((name === null ? null : stackedPlace(module, name, find)) ?? { module, found, fits: null });
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

/** A single expert in a base that stacks all experts of a layer into one parameter. */
function stackedPlace(module: AdapterModule, name: string, find: (name: string) => Found | null): BasePlace | null {
  const place = expertOf(name);
  const parameter = place === null ? null : stackedParameter(place.projection);
  if (place === null || parameter === null) return null;
  const found = find(`${place.layer}.experts.${parameter}`);
  if (found === null || (found.shape !== null && place.expert >= found.shape[0]!)) return null;
  const { in: inputs, out } = module;
  const rows = parameter === "down_proj" ? out : 2 * out;
  const sizes = found.shape?.slice(1).join();
  const fits = sizes === undefined ? null : sizes === `${rows},${inputs}` || sizes === `${inputs},${rows}`;
  return { module, found, fits };
}
