import type { NumberParameter, ParameterTable } from "../parameters.ts";
import { RESCALES, type Rescale } from "./by-chance.ts";
import { CONSENSUSES, type Consensus, MAJORITIES, type Majority } from "./consensus.ts";

/** Share of its entries that each adapter keeps of A, and of B. */
export interface DensityOption {
  readonly density: number;
}

/** How TIES elects signs, and which tool's mean or sum follows. */
export interface ConsensusOptions {
  readonly majority: Majority;
  readonly consensus: Consensus;
}

/** Options of TIES, on the factors or the deltas. */
export type TiesOptions = DensityOption & ConsensusOptions;

/** DARE's random masks on the factors. */
export interface DareOptions extends DensityOption {
  readonly rescale: Rescale;
  readonly seed: number;
}

export const DENSITY: ParameterTable<DensityOption> = {
  density: {
    type: "number",
    above: 0,
    most: 1,
    default: 0.5,
    description: "share of each adapter's entries to keep, above 0, at most 1",
  },
};

export const CONSENSUS: ParameterTable<ConsensusOptions> = {
  majority: {
    type: "choice",
    choices: MAJORITIES,
    default: "total",
    description: "elect each entry's sign by the sum of values, or by counting signs",
  },
  consensus: {
    type: "choice",
    choices: CONSENSUSES,
    default: "peft",
    description:
      "leave weights out of vote and divisor as PEFT does, include them as mergekit does, or vote as mergekit and add up",
  },
};

export const SEED: NumberParameter = { type: "integer", default: 0, description: "seed of the random masks" };

export const DARE: ParameterTable<DareOptions> = {
  ...DENSITY,
  rescale: {
    type: "choice",
    choices: RESCALES,
    default: "density",
    description: "divide the kept entries by the density, restore their old L1 norm, or leave them",
  },
  seed: SEED,
};
