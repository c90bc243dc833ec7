import type { ByteSource } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import type { AdapterModule, Notice, ReadAdapter, TensorRef } from "./read-adapter.ts";
import { readScalar } from "./tensor-values.ts";

/** What every dialect knows about an adapter, and optionally what only some know. */
type PlainFacts = Pick<ReadAdapter, "name" | "files" | "modules"> & Partial<ReadAdapter>;

/**
 * An adapter in which everything not given is as in a plain LoRA of factors and scales.
 *
 * @throws FormatError when it has neither a module nor a variant
 */
export function plainAdapter(known: PlainFacts): ReadAdapter {
  const { variants = [] } = known;
  if (known.modules.size === 0 && variants.length === 0) {
    throw new FormatError(`${known.name} holds no LoRA factors; pass the file of a LoRA adapter.`);
  }
  return {
    notices: [],
    families: [],
    extras: new Map(),
    magnitudes: new Map(),
    tokenRows: new Map(),
    others: new Map(),
    ignored: [],
    baseCopies: new Map(),
    baseModel: null,
    gateUpInTurn: null,
    taskType: null,
    fanInFanOut: false,
    statedScale: null,
    alphas: null,
    targetModules: null,
    targetParameters: [],
    someLayers: false,
    modulesToSave: [],
    tiesWeights: false,
    invocationTokens: [],
    unknownFields: [],
    metadata: new Map(),
    peft: null,
    ...known,
    // Tensors and config may both report one.
    variants: variants.filter(({ id }, i) => variants.findIndex((other) => other.id === id) === i),
  };
}

/**
 * The scale alpha / r of each module, by its own alpha. A missing alpha means r; 0 makes the delta zero, as in ComfyUI and diffusers.
 *
 * @param alphas tensors of one number, by module
 * @param paths of the modules that have factors, as `alphas` names them
 * @returns a function of the module, as `alphas` names it, and its rank; 1 where that is null, because no alpha counts there
 * @throws FormatError for an alpha without factors, which would change nothing
 */
export async function scalesOfAlphas(
  name: string,
  files: readonly ByteSource[],
  alphas: ReadonlyMap<string, TensorRef>,
  paths: readonly string[],
): Promise<(module: string, rank: number | null) => number> {
  const values = new Map<string, number>();
  const known = new Set(paths);
  for (const [module, tensor] of alphas) {
    if (!known.has(module)) {
      throw new FormatError(
        `${name}: ${tensor.name} is an alpha, but the file holds no factors for ${module}; save or copy it again, or remove the alpha.`,
      );
    }
    values.set(module, await readScalar(name, files, tensor));
  }
  return (module, rank) => (rank === null ? 1 : (values.get(module) ?? rank) / rank);
}

/** Add a module's extra tensor to those of its sort. @throws FormatError where the module has one already */
export function addBeside(name: string, sort: Map<string, TensorRef>, path: string, tensor: TensorRef): void {
  const twin = sort.get(path);
  if (twin !== undefined) {
    throw new FormatError(
      `${name}: ${twin.name} and ${tensor.name} both belong to ${path}; remove the one that does not belong to the adapter.`,
    );
  }
  sort.set(path, tensor);
}

/** Report modules with alpha 0, which some programs take for the rank; for formats that store an alpha per module. */
export function silencedModules(name: string, modules: ReadonlyMap<string, AdapterModule>): Notice[] {
  const silent = [...modules.values()].filter(({ scale }) => scale === 0);
  const [first] = silent;
  if (first === undefined) return [];
  const text = `${name} has alpha 0 in ${silent.length} of its modules (such as ${first.name}), so their deltas are zero, as in ComfyUI and diffusers; sd-scripts trains with alpha = rank instead, so if it trained this adapter, set alpha to the rank.`;
  return [{ id: "alpha-zero", text }];
}

/** Add a module. @throws FormatError where two names in the file mean one module */
export function addModule(name: string, modules: Map<string, AdapterModule>, module: AdapterModule): void {
  const twin = modules.get(module.name);
  if (twin !== undefined) {
    throw new FormatError(
      `${name}: ${twin.a.name} and ${module.a.name} both belong to the module ${module.name}; remove the one that does not belong to the adapter.`,
    );
  }
  modules.set(module.name, module);
}
