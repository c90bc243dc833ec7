import type { AdapterModule } from "../adapter/adapter.ts";
import { expertOf, stackedParameter } from "../adapter/experts.ts";
import { areInTurn, asRowsOfBoth, halvesOf } from "../adapter/weights/gate-and-up.ts";
import { isPart, placeOfPart } from "../formats/peft-folder/parameters.ts";
import type { BaseModel } from "./base-model.ts";
import { findTensors } from "./base-tensor.ts";

/** A module, or a part of one, and the tensor of a base that it is added to. */
export interface PlacedDelta {
  /** The tensor's path. */
  readonly path: string;
  /** Which slice of the tensor along its first axis; null for the whole tensor. */
  readonly expert: number | null;
  readonly module: AdapterModule;
}

/** Models of transformers 5 that hold each expert's weights as (in, out); PEFT turns the deltas of these (is_transposed). */
const TRANSPOSED = ["gpt_oss", "aria", "aria_text", "openai_privacy_filter"];

/** Whether a model holds the weights of experts as (in, out), where their shapes leave it open. */
export function isTransposed(modelType: string | null): boolean {
  return modelType !== null && TRANSPOSED.includes(modelType);
}

/**
 * Where a module's delta belongs in a base: a layer's weight, a parameter, or for experts a slice of the tensor that holds all experts of the
 * layer. Gate and up are taken apart, or put together, as the base has them.
 *
 * @param path of the module in the base
 */
export function placedDeltas(
  base: BaseModel,
  modelType: string | null,
  path: string,
  module: AdapterModule,
): readonly PlacedDelta[] {
  const has = (name: string): boolean => findTensors(base, name).length > 0;
  // A tensor may be named itself, where layers share one.
  const weight = base.tensors.has(path) ? path : `${path}.weight`;
  const place = expertOf(path);
  if (isPart(module) && module.parameter.experts === 1) {
    return [{ path: placeOfPart({ ...module, name: path }).path, expert: null, module }];
  }
  if (has(weight)) return [{ path: weight, expert: null, module }];
  const slice = isPart(module) ? placeOfPart({ ...module, name: path }) : null;
  if (slice !== null && has(slice.path)) return [{ path: slice.path, expert: slice.expert, module }];
  const parameter = place === null ? null : stackedParameter(place.projection);
  if (place === null || parameter === null) return [{ path: weight, expert: null, module }];
  // Mixtral's layers of experts have another name since transformers 5.
  const layers = [place.layer, place.layer.replace(/\.block_sparse_moe$/, ".mlp")];
  const stack = layers.map((layer) => `${layer}.experts.${parameter}`).find(has);
  if (stack !== undefined) {
    const own = asRowsOfBoth({ ...module, name: path }, areInTurn(modelType));
    return [{ path: stack, expert: place.expert, module: { ...own, name: module.name } }];
  }
  const halves = halvesOf({ ...module, name: path }, false).map((own) => ({ path: `${own.name}.weight`, own }));
  if (!halves.every((half) => has(half.path))) return [{ path: weight, expert: null, module }];
  return halves.map((half) => ({ path: half.path, expert: null, module: { ...half.own, name: module.name } }));
}
