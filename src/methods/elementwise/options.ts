import type { Zod } from "../method.ts";
import { RESCALES, type Rescale } from "./by-chance.ts";
import { CONSENSUSES, type Consensus, MAJORITIES, type Majority } from "./consensus.ts";

type Field<Type extends import("zod").ZodType> = import("zod").ZodDefault<Type>;

/** Share of its entries that each adapter keeps of A, and of B. */
export interface DensityOption {
  readonly density: number;
}

/** How TIES elects signs, and whose mean follows. */
export interface ConsensusOptions {
  readonly majority: Majority;
  readonly consensus: Consensus;
}

/** DARE's random masks. */
export interface DareOptions extends DensityOption {
  readonly rescale: Rescale;
  readonly seed: number;
}

export const DENSITY_DEFAULT: DensityOption = { density: 0.5 };
export const CONSENSUS_DEFAULTS: ConsensusOptions = { majority: "total", consensus: "peft" };
export const DARE_DEFAULTS: DareOptions = { ...DENSITY_DEFAULT, rescale: "density", seed: 0 };

/** The schema's fields of a density. */
export function densityField(z: Zod): { density: Field<import("zod").ZodNumber> } {
  return {
    density: z
      .number()
      .gt(0)
      .max(1)
      .default(DENSITY_DEFAULT.density)
      .describe("share of its entries that each adapter keeps, above 0, at most 1"),
  };
}

/** The schema's fields of TIES' consensus. */
export function consensusFields(z: Zod): {
  majority: Field<import("zod").ZodType<Majority>>;
  consensus: Field<import("zod").ZodType<Consensus>>;
} {
  return {
    majority: z
      .enum(MAJORITIES)
      .default(CONSENSUS_DEFAULTS.majority)
      .describe("elect each entry's sign by the sum of values, or by counting signs"),
    consensus: z
      .enum(CONSENSUSES)
      .default(CONSENSUS_DEFAULTS.consensus)
      .describe("leave weights out of vote and divisor as PEFT does, or take them in as mergekit does"),
  };
}

/** The schema's fields of DARE. */
export function dareFields(z: Zod): {
  density: Field<import("zod").ZodNumber>;
  rescale: Field<import("zod").ZodType<Rescale>>;
  seed: Field<import("zod").ZodInt>;
} {
  return {
    ...densityField(z),
    rescale: z
      .enum(RESCALES)
      .default(DARE_DEFAULTS.rescale)
      .describe("divide what is kept by the density, bring it to the old L1 norm, or leave it"),
    seed: z.int().default(DARE_DEFAULTS.seed).describe("seed of the random masks"),
  };
}
