import type { AdapterModule, FactorRef } from "../adapter/adapter.ts";
import { expertOf, gateAndUp, PROJECTIONS, stackedParameter } from "../adapter/experts.ts";
import { composed, cutFactor, piecesAt } from "../adapter/weights/cut.ts";
import { RefusedError } from "../core/errors.ts";
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
/** Those of them whose gate and up are rows in turn. */
const IN_TURN = ["gpt_oss", "openai_privacy_filter"];

/** Whether a model holds the weights of experts as (in, out), where their shapes leave it open. */
export function isTransposed(modelType: string | null): boolean {
  return modelType !== null && TRANSPOSED.includes(modelType);
}

/**
 * Where a module's delta belongs in a base: a layer's weight, a parameter, or for experts a slice of the tensor that holds all experts of the
 * layer. Gate and up are taken apart, or put together, as the base has them.
 *
 * @param path of the module in the base
 * @param adapter its name, for messages
 * @throws RefusedError for gate or up alone in gpt-oss, where their rows are in turn
 */
export function placedDeltas(
  base: BaseModel,
  modelType: string | null,
  adapter: string,
  path: string,
  module: AdapterModule,
): readonly PlacedDelta[] {
  const weight = `${path}.weight`;
  const has = (name: string): boolean => findTensors(base, name).length > 0;
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
    const own = rowsIn(modelType, adapter, place.projection, module);
    return [{ path: stack, expert: place.expert, module: own }];
  }
  return apart(path, module, has) ?? [{ path: weight, expert: null, module }];
}

/** Gate or up alone as rows of both, of which the others are zero; other modules as they are. */
function rowsIn(modelType: string | null, adapter: string, projection: string, module: AdapterModule): AdapterModule {
  const names = PROJECTIONS.find(({ gate, up }) => [gate, up].some((own) => own === projection));
  if (names === undefined) return module;
  if (modelType !== null && IN_TURN.includes(modelType)) {
    throw new RefusedError(
      `${adapter}: ${module.name} is gate or up alone, and ${modelType} models have the two in turn, row by row; pass an adapter of gate_up_proj, as PEFT's target_parameters train it.`,
    );
  }
  const out = 2 * module.out;
  const b: FactorRef = composed(module.rank, out, piecesAt(module.b, 0, projection === names.up ? module.out : 0, 1));
  return { ...module, out, b };
}

/** Gate and up of a base that has them as two weights; null where it has not. */
function apart(path: string, module: AdapterModule, has: (name: string) => boolean): readonly PlacedDelta[] | null {
  const modules = gateAndUp(path);
  const out = module.out / 2;
  if (modules.length === 0 || !modules.every((own) => has(`${own}.weight`)) || !Number.isInteger(out)) return null;
  return modules.flatMap((own, i) => {
    const b = cutFactor(module.b, i * out, out);
    return b === null ? [] : [{ path: `${own}.weight`, expert: null, module: { ...module, out, b } }];
  });
}
