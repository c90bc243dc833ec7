import type { FactorDtype } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { nestedIn } from "../formats/peft-folder/inner-keys.ts";
import {
  isExpertParameter,
  isExpertWeight,
  nestingOrder,
  type ParameterPart,
  partName,
} from "../formats/peft-folder/parameters.ts";
import type { PeftConfig } from "../formats/peft-folder/read-config.ts";
import type { FactorPair } from "./factor-pairs.ts";
import { refuseNoFloats } from "./module-of-factors.ts";
import { configuredRanks } from "./peft-scales.ts";
import { parameterVariant } from "./peft-variants.ts";
import type { AdapterModule, TensorRef } from "./read-adapter.ts";
import type { Variant } from "./variants.ts";

/** The modules of parameters that have factors. */
export interface ParameterModules {
  readonly modules: readonly AdapterModule[];
  /** Factors of parameters whose names are not certain, by key, and why. */
  readonly unread: ReadonlyMap<string, TensorRef>;
  readonly variants: readonly Variant[];
}

/** The parameters of a layer, as the config names them. */
interface Stated {
  readonly names: readonly string[];
  /** Whether some are named without the layer, which then may not have them. */
  readonly bare: boolean;
}

/**
 * Separate the factors of parameters (target_parameters) from those of layers: they are inside each other's, the config says so, or they have
 * the ranks of all experts together.
 *
 * @param pairs their paths without PEFT's prefix
 */
export function separateParameters(
  name: string,
  pairs: readonly FactorPair[],
  config: PeftConfig,
): { readonly layers: readonly FactorPair[]; readonly ofParameters: readonly FactorPair[] } {
  const nested = new Set(
    pairs.map(({ path }) => nestedIn(path)).flatMap(({ layer, depth }) => (depth > 0 ? [layer] : [])),
  );
  const configured = configuredRanks(name, config);
  const isOfParameter = ({ path, a }: FactorPair): boolean => {
    const { layer } = nestedIn(path);
    const { names, bare } = statedOf(layer, config);
    if (nested.has(layer) || !bare) return true;
    if (names.length > 0 && isExperts(layer)) return true;
    if (names.length === 0 && !isExperts(layer)) return false;
    if (names.includes("weight") && !isTarget(layer, config)) return true;
    const [units, { rank }] = [flatShape(a.shape, "A")[0] ?? 0, configured(layer)];
    return units > rank && units % rank === 0;
  };
  const layers: FactorPair[] = [];
  const ofParameters: FactorPair[] = [];
  for (const pair of pairs) (isOfParameter(pair) ? ofParameters : layers).push(pair);
  return { layers, ofParameters };
}

/**
 * One module for each expert of each parameter: A (r E, in) holds expert after expert, B (out, r E) has unit j of expert e in column
 * j E + e (PEFT 0.21, `ParamWrapper`).
 *
 * @param name of the adapter, for messages
 * @param pairs factors of parameters, their paths without PEFT's prefix
 * @throws FormatError for shapes that no parameter's factors have
 */
export function parameterModules(name: string, pairs: readonly FactorPair[], config: PeftConfig): ParameterModules {
  const layers = new Map<string, { readonly pair: FactorPair; readonly depth: number }[]>();
  for (const pair of pairs) {
    const { layer, depth } = nestedIn(pair.path);
    layers.set(layer, [...(layers.get(layer) ?? []), { pair, depth }]);
  }
  const configured = configuredRanks(name, config);
  const modules: AdapterModule[] = [];
  const unread = new Map<string, TensorRef>();
  const variants: Variant[] = [];
  for (const [layer, found] of layers) {
    const stated = statedOf(layer, config).names;
    const names = namesOf(layer, found.length, stated);
    if (names === null) {
      for (const { a, b } of found.map(({ pair }) => pair)) unread.set(a.name, a).set(b.name, b);
      variants.push(parameterVariant(layer, found.length, stated));
      continue;
    }
    // The innermost is the first.
    found.sort((one, other) => other.depth - one.depth);
    for (const [i, { pair }] of found.entries()) {
      const parameter = names[i]!;
      modules.push(...expertsOf(name, layer, parameter, pair, configured(`${layer}.${parameter}`)));
    }
  }
  return { modules, unread, variants };
}

/** What target_parameters says of a layer. */
function statedOf(layer: string, { targetParameters }: PeftConfig): Stated {
  const split = targetParameters.map((path) => {
    const dot = path.lastIndexOf(".");
    return { owner: path.slice(0, Math.max(0, dot)), name: path.slice(dot + 1) };
  });
  const own = split.filter(({ owner }) => owner === "" || `.${layer}`.endsWith(`.${owner}`));
  return {
    names: [...new Set(own.map(({ name }) => name))],
    bare: own.every(({ owner }) => owner === ""),
  };
}

/** Whether target_modules may name a layer. */
function isTarget(layer: string, { targetModules }: PeftConfig): boolean {
  return targetModules === null || targetModules.some((target) => `.${layer}`.endsWith(`.${target}`));
}

/** The names of a layer's parameters, the innermost first; null where they are not certain. */
function namesOf(layer: string, count: number, stated: readonly string[]): readonly string[] | null {
  // vLLM takes the factors of experts for these two, whatever the config says.
  if (count === 1 && !isExperts(layer) && stated.includes("weight")) return ["weight"];
  const assumed = stated.length === 0 && isExperts(layer) ? ["gate_up_proj", "down_proj"] : stated;
  const has = (names: readonly string[]): readonly string[] | null => (names.length === count ? names : null);
  // A name without a layer may be that of another layer's parameter, and not every model has biases.
  const known = assumed.filter(isExpertParameter);
  const weights = known.filter(isExpertWeight);
  const names = has(assumed) ?? has(known) ?? has(weights);
  return names === null ? null : nestingOrder(names);
}

function isExperts(layer: string): boolean {
  return /(^|\.)experts$/.test(layer);
}

/** Shapes as PEFT has them; vLLM also takes A (E, r, in) and B (out, r, E), which are the same bytes. */
function flatShape(shape: readonly number[], half: "A" | "B"): readonly number[] {
  const [first, second, third] = shape as readonly [number, number, number];
  if (shape.length === 2) return shape;
  if (shape.length !== 3) return [];
  return half === "A" ? [first * second, third] : [first, second * third];
}

function expertsOf(
  name: string,
  layer: string,
  parameter: string,
  { a, b }: FactorPair,
  { rank, scale }: { readonly rank: number; readonly scale: number },
): AdapterModule[] {
  for (const tensor of [a, b]) refuseNoFloats(name, tensor);
  const [[units = 0, inputs = 0], [out = 0, columns]] = [flatShape(a.shape, "A"), flatShape(b.shape, "B")];
  const experts = units / rank;
  const whole = a.shape.length === 2 || a.shape[1] === rank;
  const fits = whole && a.shape.length === b.shape.length && columns === units && inputs * out > 0;
  if (!fits || experts < 1 || !Number.isInteger(experts)) {
    throw new FormatError(
      `${name}: ${layer}.${parameter} has factors that no parameter of rank ${rank} has (A is ${formatShape(a.shape)}, B is ${formatShape(b.shape)}); expected A (experts x ${rank}, in) and B (out, experts x ${rank}). Pass the config that was saved with these weights.`,
    );
  }
  const part: ParameterPart = { name: parameter, experts };
  const [tensorA, tensorB] = [a, b] as [TensorRef<FactorDtype>, TensorRef<FactorDtype>];
  return Array.from({ length: experts }, (_, e) => ({
    name: partName(layer, part, e),
    kind: "linear",
    in: inputs,
    out,
    inputShape: [inputs],
    rank,
    scale,
    a: { ...tensorA, rank, size: inputs, offset: e * rank * inputs, strides: { unit: inputs, entry: 1 } },
    b: { ...tensorB, rank, size: out, offset: e, strides: { unit: experts, entry: rank * experts } },
    parameter: part,
  }));
}
