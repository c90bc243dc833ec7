import type { Zod } from "../method.ts";

const CHOICES = {
  gauge: ["raw", "balanced", "svd"],
  sign: ["none", "canonical", "line"],
  centre: ["mean", "rank1"],
  reweight: ["linf", "l2", "none"],
  metric: ["euclidean", "cosine", "manhattan", "transport"],
} as const;

/** Options of LEGO; the defaults are the paper's definition. */
export interface LegoOptions {
  /** How units are scaled and rotated before clustering. */
  readonly gauge: (typeof CHOICES.gauge)[number];
  /** What becomes of a unit's sign: (a, b) and (-a, -b) have the same delta. */
  readonly sign: (typeof CHOICES.sign)[number];
  /** What stands for a cluster. */
  readonly centre: (typeof CHOICES.centre)[number];
  /** The norm that a centre gets back from its members (parameter reweighting). */
  readonly reweight: (typeof CHOICES.reweight)[number];
  /** Whether the delta is multiplied by sqrt(r / k) (output reweighting). */
  readonly outputReweight: boolean;
  /** The distance that decides who is grouped with whom. */
  readonly metric: (typeof CHOICES.metric)[number];
  /** How long to search for the best grouping; 1 is the measured default, 0 the tree alone. */
  readonly effort: number;
  /** Seed of the search's random starts. */
  readonly seed: number;
}

/** LEGO as the paper defines it (arXiv 2409.16167); `--preset paper` means this whatever the defaults become. */
export const PAPER: LegoOptions = {
  gauge: "raw",
  sign: "none",
  centre: "mean",
  reweight: "linf",
  outputReweight: true,
  metric: "euclidean",
  effort: 1,
  seed: 0,
};

/** The schema of LEGO's options: one description per option, shown by --help, the page and the docs. */
export function legoSchema(z: Zod): import("zod").ZodType<LegoOptions> {
  return z.strictObject({
    gauge: z
      .enum(CHOICES.gauge)
      .default(PAPER.gauge)
      .describe("units as stored, scaled to |a| = |b|, or the singular units of each delta"),
    sign: z
      .enum(CHOICES.sign)
      .default(PAPER.sign)
      .describe("leave signs, make the largest entry of a positive, or treat a unit and its negative as one"),
    centre: z
      .enum(CHOICES.centre)
      .default(PAPER.centre)
      .describe("mean of the members, or the top singular pair of their mean delta"),
    reweight: z
      .enum(CHOICES.reweight)
      .default(PAPER.reweight)
      .describe("norm that each centre gets back from its members"),
    outputReweight: z.boolean().default(PAPER.outputReweight).describe("multiply the delta by sqrt(r / k)"),
    metric: z.enum(CHOICES.metric).default(PAPER.metric).describe("distance that units are clustered by"),
    effort: z.number().min(0).max(100).default(PAPER.effort).describe("search effort, 0 for the tree alone"),
    seed: z.int().default(PAPER.seed).describe("seed of the search"),
  });
}
