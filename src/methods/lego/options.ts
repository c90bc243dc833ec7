import type { ParameterTable } from "../parameters.ts";

/** The choices of LEGO's options. */
export const LEGO_CHOICES = {
  gauge: ["raw", "balanced", "svd"],
  sign: ["none", "canonical", "line"],
  centre: ["mean", "rank1"],
  reweight: ["linf", "l2", "delta", "none"],
  outputNorm: ["free", "mean"],
  metric: ["euclidean", "delta", "cosine", "manhattan", "transport"],
} as const;

/** Options of LEGO; the defaults are the paper's definition. */
export interface LegoOptions {
  /** How units are scaled and rotated before clustering. */
  readonly gauge: (typeof LEGO_CHOICES.gauge)[number];
  /** How a unit's sign is treated: (a, b) and (-a, -b) have the same delta. */
  readonly sign: (typeof LEGO_CHOICES.sign)[number];
  /** How a cluster's centre is computed. */
  readonly centre: (typeof LEGO_CHOICES.centre)[number];
  /** The norm in which a centre is scaled to its members (parameter reweighting). */
  readonly reweight: (typeof LEGO_CHOICES.reweight)[number];
  /** Whether the delta is multiplied by sqrt(r / k) (output reweighting). */
  readonly outputReweight: boolean;
  /** Whether each module's delta is brought to the adapters' mean norm. */
  readonly outputNorm: (typeof LEGO_CHOICES.outputNorm)[number];
  /** How far the centres' directions are made orthogonal, 0 to 1: 0 leaves them, 1 replaces them by their polar factors. */
  readonly decorrelate: number;
  /** The distance for clustering units. */
  readonly metric: (typeof LEGO_CHOICES.metric)[number];
  /** How long to search for the best grouping; 1 is the measured default, 0 the tree alone. */
  readonly effort: number;
  /** Seed of the search's random starts. */
  readonly seed: number;
}

/** LEGO as the paper defines it (arXiv 2409.16167); `--preset paper` keeps this meaning even if the defaults change. */
export const PAPER: LegoOptions = {
  gauge: "raw",
  sign: "none",
  centre: "mean",
  reweight: "linf",
  outputReweight: true,
  outputNorm: "free",
  decorrelate: 0,
  metric: "euclidean",
  effort: 1,
  seed: 0,
};

/** LEGO on the deltas of singular units (docs/methods/lego.md, "Units as deltas"): `--preset deltas`. */
export const DELTAS: LegoOptions = {
  ...PAPER,
  gauge: "svd",
  centre: "rank1",
  reweight: "delta",
  outputNorm: "mean",
  decorrelate: 0.75,
  metric: "delta",
};

/** LEGO's parameters; the defaults are the paper's definition. */
export const LEGO_PARAMETERS: ParameterTable<LegoOptions> = {
  gauge: {
    type: "choice",
    choices: LEGO_CHOICES.gauge,
    default: PAPER.gauge,
    description: "units as stored, scaled to |a| = |b|, or the singular units of each delta",
  },
  sign: {
    type: "choice",
    choices: LEGO_CHOICES.sign,
    default: PAPER.sign,
    description: "leave signs, make the largest entry of a positive, or treat a unit and its negative as the same",
  },
  centre: {
    type: "choice",
    choices: LEGO_CHOICES.centre,
    default: PAPER.centre,
    description: "mean of the members, or the top singular pair of their mean delta",
  },
  reweight: {
    type: "choice",
    choices: LEGO_CHOICES.reweight,
    default: PAPER.reweight,
    description: "norm in which each centre is scaled back to the size of its members",
  },
  outputReweight: {
    type: "boolean",
    default: PAPER.outputReweight,
    description: "multiply the delta by sqrt(r / k)",
  },
  outputNorm: {
    type: "choice",
    choices: LEGO_CHOICES.outputNorm,
    default: PAPER.outputNorm,
    description: "leave the delta's norm, or bring it to the adapters' mean norm in each module",
  },
  decorrelate: {
    type: "number",
    least: 0,
    most: 1,
    default: PAPER.decorrelate,
    description: "how far the centres' directions are made orthogonal; 0 leaves them, 1 is their polar factors",
  },
  metric: {
    type: "choice",
    choices: LEGO_CHOICES.metric,
    default: PAPER.metric,
    description: "distance used to cluster units",
  },
  effort: {
    type: "number",
    least: 0,
    most: 100,
    default: PAPER.effort,
    description: "search effort; 0 uses only the clustering tree",
  },
  seed: { type: "integer", default: PAPER.seed, description: "seed of the search" },
};
