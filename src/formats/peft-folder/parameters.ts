import { RefusedError } from "../../core/errors.ts";

/**
 * What PEFT's target_parameters name: a parameter of a model that has factors itself, such as one of all experts of a layer, stacked along
 * its first axis. Each expert is a module.
 */
export interface ParameterPart {
  /** The parameter's name in its layer, such as gate_up_proj. */
  readonly name: string;
  /** How many experts it stacks; 1 for a matrix. */
  readonly experts: number;
  /** Whether factors are written as SGLang takes them: tensors of three dimensions under the parameter's name. Default: as PEFT does. */
  readonly stacked?: boolean;
}

/** A module that is a part of a parameter. */
export interface PartModule {
  readonly name: string;
  readonly parameter: ParameterPart;
}

/** Where a part belongs. */
export interface PartPlace {
  /** The layer that has the parameter. */
  readonly owner: string;
  /** The parameter's path: what target_parameters and patterns name. */
  readonly path: string;
  readonly expert: number;
}

/** Experts are named as where each has modules of its own: mlp.experts.3.down_proj. */
export function partName(owner: string, { name, experts }: ParameterPart, expert: number): string {
  if (experts > 1) return `${owner}.${expert}.${name}`;
  return name === "weight" ? owner : `${owner}.${name}`;
}

/** The place of a module that is named so. */
export function placeOfPart({ name, parameter }: PartModule): PartPlace {
  const before = (path: string): string => path.slice(0, path.lastIndexOf("."));
  if (parameter.experts === 1) {
    const owner = parameter.name === "weight" ? name : before(name);
    return { owner, path: `${owner}.${parameter.name}`, expert: 0 };
  }
  const numbered = before(name);
  const owner = before(numbered);
  return { owner, path: `${owner}.${parameter.name}`, expert: Number(numbered.slice(owner.length + 1)) };
}

/** Whether a module is a part of a parameter. */
export function isPart<M extends { readonly name: string; readonly parameter?: ParameterPart | undefined }>(
  module: M,
): module is M & PartModule {
  return module.parameter !== undefined;
}

/** The parameters of experts in the order in which models of transformers 5 declare them. */
const DECLARED = ["gate_up_proj", "gate_up_proj_bias", "down_proj", "down_proj_bias"];

/** Whether a name is that of experts in models of transformers 5. */
export function isExpertParameter(name: string): boolean {
  return DECLARED.includes(name);
}

/** Whether a name is that of experts' weights there. */
export function isExpertWeight(name: string): boolean {
  return isExpertParameter(name) && !name.endsWith("_bias");
}

/**
 * Names of one layer's parameters in the order in which PEFT puts them inside each other: the first that the model declares is innermost.
 *
 * @returns null where that order is not known
 */
export function nestingOrder(names: readonly string[]): readonly string[] | null {
  if (names.length > 1 && !names.every(isExpertParameter)) return null;
  return [...names].sort((one, other) => DECLARED.indexOf(one) - DECLARED.indexOf(other));
}

/**
 * The path in the keys of each parameter's factors, by the parameter's path: that of its layer, and inside it those of the parameters that
 * the model declares before it.
 *
 * @throws RefusedError where a layer has several and their order is not known
 */
export function keyedPaths(parts: Iterable<PartModule>): ReadonlyMap<string, string> {
  const owners = new Map<string, Set<string>>();
  for (const part of parts) {
    const { owner } = placeOfPart(part);
    owners.set(owner, (owners.get(owner) ?? new Set()).add(part.parameter.name));
  }
  const paths = new Map<string, string>();
  for (const [owner, names] of owners) {
    const order = nestingOrder([...names]);
    if (order === null) {
      throw new RefusedError(
        `${owner} has the parameters ${[...names].join(", ")}, and lora-lego does not know in which order PEFT nests them; merge adapters of one of them, or leave the others out with --exclude.`,
      );
    }
    for (const [i, name] of order.entries()) {
      paths.set(`${owner}.${name}`, owner + ".base_layer".repeat(order.length - 1 - i));
    }
  }
  return paths;
}
