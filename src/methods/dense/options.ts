import { CONSENSUSES, type Consensus, MAJORITIES, type Majority } from "../elementwise/consensus.ts";
import type { Zod } from "../method.ts";

/** Options of a vote. */
export interface VoteOptions {
  /** How the sign of an entry is elected. */
  readonly majority: Majority;
  /** Whose vote and divisor. */
  readonly consensus: Consensus;
}

export const VOTE: VoteOptions = { majority: "total", consensus: "peft" };

/** The schema of a vote's options, to spread into a method's. */
export function voteSchema(z: Zod): {
  majority: import("zod").ZodDefault<import("zod").ZodType<Majority>>;
  consensus: import("zod").ZodDefault<import("zod").ZodType<Consensus>>;
} {
  return {
    majority: z
      .enum(MAJORITIES)
      .default(VOTE.majority)
      .describe("elect the sign of an entry by the sum of the values, or of their signs"),
    consensus: z
      .enum(CONSENSUSES)
      .default(VOTE.consensus)
      .describe("weights take no part in vote and divisor (peft), or in both (mergekit)"),
  };
}

/** The schema of a density. */
export function densitySchema(z: Zod, value: number): import("zod").ZodDefault<import("zod").ZodNumber> {
  return z.number().gt(0).max(1).default(value).describe("share of the entries of each delta that is kept");
}

/** The schema of a seed of random masks. */
export function seedSchema(z: Zod): import("zod").ZodDefault<import("zod").ZodNumber> {
  return z.int().default(0).describe("seed of the random masks");
}
