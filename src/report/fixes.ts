import { AUTO } from "../methods/auto.ts";
import type { Fix } from "../plan/warning.ts";
import { AT_TWICE_THE_RANK, MEASURED } from "./measured.ts";

/** What is done with a merge that was made, instead of making it again. */
export type ResultFix =
  | { readonly why: string; readonly factor: number }
  | { readonly why: string; readonly energy: string; readonly rankLayout?: "uniform" };

export type AnyFix = Fix | ResultFix;

/** The merge by which room for each adapter was measured; its factor was computed, which a merge by this method is then told. */
const ROOM_MEASURED = { method: "tsv", rank: 12 } as const;

/** What to do with two factors of which either may be right. */
function otherFactor(ofImages: boolean): string {
  const compare = ofImages ? "look at pictures of both" : "score both if you can (lora-lego eval)";
  return `The factor is uncertain, and this is the other one that the adapters may ask for: ${compare}, and keep the better.`;
}

function product(scale: number, factor: number): number {
  return Number((scale * factor).toPrecision(4));
}

/** Everything that mends a merge: warnings, the end of a merge and audits take their remedies from here, and commands are made of them. */
export const FIXES = {
  /** @param present the largest rank of a module */
  largerRank: (rank: number, present: number): Fix => ({
    why: rank > present ? `Rank ${rank} can hold enough of the energy.` : `Some modules have less than rank ${rank}.`,
    rank,
  }),
  /** @param method that writes no larger rank */
  mostRank: (rank: number, method: string): Fix => ({
    why: `Rank ${rank}, the largest that ${method} writes for them, can hold more of the energy.`,
    rank,
  }),
  rankOfOneSeed: (rank: number): Fix => ({
    why: `At a larger rank LEGO groups the units of one seed by what they do, which ${AT_TWICE_THE_RANK}.`,
    rank,
  }),
  /** @param method that it is merged by; what is known of the rank was measured with another one, on language models */
  roomForEach: (rank: number, method: string, ofImages: boolean): Fix => {
    if (method !== ROOM_MEASURED.method) {
      return {
        why: `Rank ${rank} leaves room for each adapter; ${method} may hold as little of one at any rank.`,
        rank,
      };
    }
    const basis = ofImages || rank !== ROOM_MEASURED.rank ? "" : ` Measured: ${MEASURED.shortOfRanks.text}.`;
    return { why: `Rank ${rank} leaves room for each adapter.${basis}`, rank };
  },
  lessMixed: (rank: number): Fix => ({ why: `At rank ${rank} clusters mix fewer adapters.`, rank }),
  /** @param rank to merge at; null to leave it as it is */
  auto: (why: string, rank: number | null): Fix => ({ why, method: AUTO, ...(rank !== null && { rank }) }),
  inF32: (): Fix => ({ why: "In f32 no unit is too small.", dtype: "f32" }),
  bothHalves: (): Fix => ({
    why: "With the gauge balanced both halves of a unit weigh alike, which groups other units: keep the merge that holds more of the adapter that it holds least of.",
    options: { gauge: "balanced" },
  }),
  /** @param scales whether the method's weights scale deltas; `--method auto` takes them if not */
  weights: (weights: readonly number[], strengths: string, scales: boolean): Fix => ({
    why: `These weights balance the adapters; ${strengths}`,
    ...(!scales && { method: AUTO }),
    weights,
  }),
  /**
   * @param lost names of the lost ones that it leaves out
   * @param zero names of those of zeros that it leaves out
   * @param weights of all adapters
   * @param acting how many of the others change something
   */
  leaveOut: (
    leaves: readonly number[],
    lost: readonly string[],
    zero: readonly string[],
    weights: readonly number[],
    acting: number,
  ): Fix => ({
    why: [
      ...(lost.length === 0
        ? []
        : [`The merge without ${lost.join(", ")}, if ${lost.length === 1 ? "it" : "they"} hardly trained.`]),
      ...(zero.length === 0
        ? []
        : [
            `${lost.length === 0 ? "The merge" : "Also"} without ${zero.join(", ")}, which ${zero.length === 1 ? "changes" : "change"} nothing.`,
          ]),
    ].join(" "),
    // There is nothing to merge in one adapter, which other methods may change or refuse.
    ...(acting === 1 && { method: AUTO }),
    leaves,
    weights,
  }),
  /** @param repeated names of those that it leaves out @param weights of all adapters */
  once: (leaves: readonly number[], repeated: readonly string[], weights: readonly number[]): Fix => ({
    why: `Without ${repeated.join(", ")}, so that nothing counts twice.`,
    leaves,
    weights,
  }),
  sizes: (sizes: readonly number[], strengths: string): Fix => ({
    why: `The method's weights do not scale deltas, so adapters are brought to one size first; ${strengths}`,
    sizes,
  }),
  /** @param scale that the merge was made with; null if it is not known */
  factor: (factor: number, scale: number | null): AnyFix => ({
    why:
      scale === null || scale === 1
        ? "This is the factor that the adapters ask for."
        : `The adapters ask for ${factor} times its factor ${scale}, which is ${product(scale, factor)}.`,
    ...(scale === null ? { factor } : { scale: product(scale, factor) }),
  }),
  otherFactor: (scale: number, ofImages: boolean): Fix => ({ why: otherFactor(ofImages), scale }),
  /** @param scale as for `factor` */
  otherFactorOf: (factor: number, scale: number | null, ofImages: boolean): AnyFix => ({
    ...FIXES.factor(factor, scale),
    why: otherFactor(ofImages),
  }),
  /** @param uniform whether all modules have one rank, which some programs need */
  idleRanks: (uniform: boolean): ResultFix => ({
    why: "Fewer ranks hold nearly the same deltas.",
    energy: "sv_fro=0.995",
    ...(uniform && { rankLayout: "uniform" }),
  }),
} as const;
