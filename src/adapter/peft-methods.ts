import { FormatError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { LoraLikeMethod } from "../formats/peft-folder/lora-like-config.ts";
import type { PeftConfig } from "../formats/peft-folder/read-config.ts";
import { type ComputedModule, computedFactor } from "./lycoris/computed.ts";
import { lycorisModules } from "./lycoris/lycoris-modules.ts";
import { sidesOf } from "./lycoris/sides.ts";
import { scaledRows } from "./matrix-ref.ts";
import { moduleOfFactors } from "./module-of-factors.ts";
import { patternLookup } from "./pattern.ts";
import type { TensorRef } from "./read-adapter.ts";

/** How the tensors of a method mean the modules of a LoRA. */
interface LoraLike {
  /** Its modules under their names in the file, and the tensors that are not theirs. */
  modules(name: string, tensors: Iterable<TensorRef>): LoraLikeModules;
  /** The scale of a module of a rank that has these two numbers. */
  scale(rank: number, alpha: number, own: number): number;
}

/** What a file holds. */
interface LoraLikeModules {
  readonly modules: readonly ComputedModule[];
  readonly others: readonly TensorRef[];
}

/** The tensors are LyCORIS', but the scale is always alpha / r, even of a LoKr of two whole sides. */
const LYCORIS: LoraLike = { modules: lycorisModules, scale: (rank, alpha) => alpha / rank };

/** PEFT 0.21.2. */
const METHODS: Readonly<Record<LoraLikeMethod, LoraLike>> = {
  LOHA: LYCORIS,
  LOKR: LYCORIS,
  ADALORA: {
    modules: adaloraModules,
    // PEFT divides by the rank that training began with, plus 1e-5; alpha 0 means the module's own rank.
    scale: (rank, alpha, own) => (alpha > 0 ? alpha : own) / (rank + 1e-5),
  },
};

/** The modules of a method's file under their names there, and the tensors that are not theirs. @param name of the adapter */
export function loraLikeModules(method: LoraLikeMethod, name: string, tensors: Iterable<TensorRef>): LoraLikeModules {
  return METHODS[method].modules(name, tensors);
}

/**
 * The scale of each module, with patterns applied.
 *
 * @param name of the adapter, for messages
 * @param config of that method, as that of a LoRA
 * @returns a function that throws FormatError where the config's rank is not that of the tensors
 */
export function loraLikeScales(
  name: string,
  method: LoraLikeMethod,
  config: PeftConfig,
): (module: ComputedModule) => number {
  const rankOf = patternLookup(config.rankPattern, config.rank, `${name}: rank_pattern`);
  const alphaOf = patternLookup(config.alphaPattern, config.alpha, `${name}: alpha_pattern`);
  return ({ name: path, rank: own, dim, a }) => {
    const rank = rankOf(path);
    if (dim !== null && dim !== rank) {
      throw new FormatError(
        `${name}: the config gives ${path} rank ${rank}, but its tensors (such as ${a.name}) have rank ${dim}; pass the config that was saved with these weights.`,
      );
    }
    return METHODS[method].scale(rank, alphaOf(path), own);
  };
}

const ADALORA = /^(.+)\.lora_([ABE])$/;

/** AdaLoRA: delta = s B (E A), with a singular value for each unit in E (r, 1). */
function adaloraModules(name: string, tensors: Iterable<TensorRef>): LoraLikeModules {
  const found = new Map<string, Partial<Record<"A" | "B" | "E", TensorRef>>>();
  const others: TensorRef[] = [];
  for (const tensor of tensors) {
    const [, path, part] = ADALORA.exec(tensor.name) ?? [];
    if (path === undefined) others.push(tensor);
    else found.set(path, { ...found.get(path), [part!]: tensor });
  }
  const modules = Array.from(found, ([path, { A, B, E }]): ComputedModule => {
    if (A === undefined || B === undefined || E === undefined) {
      const lacks = A === undefined ? "lora_A" : B === undefined ? "lora_B" : "lora_E";
      throw new FormatError(`${name}: ${path} has no ${lacks}; the file is incomplete, save or copy it again.`);
    }
    const module = moduleOfFactors(name, path, "linear", A, B);
    if (E.shape.join() !== `${module.rank},1`) {
      throw new FormatError(
        `${name}: ${E.name} is ${formatShape(E.shape)}, but must be (${module.rank}, 1) beside ${A.name} ${formatShape(A.shape)}; save the adapter again.`,
      );
    }
    const scaled = scaledRows(sidesOf(name, E).byRows, sidesOf(name, A).byRows);
    // The ranks that training allocated are not in the scale.
    return { ...module, a: computedFactor(E.name, scaled), dim: null };
  });
  return { modules, others };
}
