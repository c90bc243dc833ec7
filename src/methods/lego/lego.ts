import { scaleCombination } from "../../linalg/combination.ts";
import type { Pool } from "../../units/pool.ts";
import { rowNorms, scaleRows } from "../../units/unit-rows.ts";
import { type MergedModule, type MergeRequest, type Method, sumOfRanks } from "../method.ts";
import { compareIds } from "../unit-order.ts";
import { meanCentre, rank1Centre } from "./centre.ts";
import { type Frame, frameUnits } from "./frame.ts";
import { type Group, groupUnits } from "./group.ts";
import { LEGO_PARAMETERS, type LegoOptions, PAPER } from "./options.ts";

/** A centre shorter than this share of its members' mean norm is cancellation noise and is written as zero. */
const LEAST_CENTRE = 1e-4;

const INERTIA_POWERS = { euclidean: 1, manhattan: 0.5, cosine: 0, transport: 1 } as const;

/**
 * LoRA-LEGO: split every adapter into its units, cluster the units of all adapters, and build the result from the cluster
 * centres. Each centre is scaled to its members' mean norm (parameter reweighting), and the whole delta is multiplied by
 * sqrt(r / k) (output reweighting; r is the weighted mean of the adapters' live ranks).
 * Weights are relative sample weights of clustering, centres, norms and r. A single adapter at its own rank is unchanged.
 */
export const lego: Method<LegoOptions> = {
  id: "lego",
  title: "LoRA-LEGO (rank-wise clustering)",
  reference: "Zhao et al. 2024, arXiv 2409.16167",
  dependsOn: "factors",
  single: "exact",
  weights: "relative",
  needs: {},
  parameters: LEGO_PARAMETERS,
  presets: { paper: PAPER },
  resizes: "cluster its units",
  // Singular units are numbered by size, not by the start of training.
  namesStoredUnits: ({ gauge }) => gauge !== "svd",
  // Output reweighting uses the weighted mean of the ranks.
  weighsRanks: ({ outputReweight }) => outputReweight,
  precise: ({ gauge, centre }) => gauge === "svd" || centre === "rank1",
  yields: "combinations",
  cut: "clusters",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  merge: mergeLego,
};

async function mergeLego(pool: Pool, request: MergeRequest<LegoOptions>): Promise<MergedModule> {
  const { rank: k, options } = request;
  const frame = await frameUnits(pool, options, request.totalWeight / request.inputs);
  const { groups: unordered, inertia } = await groupUnits(pool, frame, k, options);
  const place = (group: Group): number => Math.min(...group.members.map((i) => frame.places[i]!));
  const groups = unordered.toSorted((one, other) => place(one) - place(other));

  const centreOf = options.centre === "rank1" ? rank1Centre : meanCentre;
  const centres = groups.map((group) => centreOf(frame, group));
  const rows = await pool.combine(centres);
  const reweights = await reweightCentres(pool, frame, groups, rowNorms(pool, rows, normOf(options)), options);
  const half = options.outputReweight ? (meanRank(frame) / groups.length) ** 0.25 : 1;
  const factors = reweights.map((reweight) => (reweight ?? 0) * half);
  scaleRows(pool, rows, factors);
  return {
    rows,
    combinations: centres.map((centre, c) => scaleCombination(centre, factors[c]!, factors[c]!)),
    clusters: groups.map((group, c) => ({
      members: group.members.map((i) => frame.ids[i]!).toSorted(compareIds),
      reweight: reweights[c]!,
    })),
    inertia,
    inertiaPower: INERTIA_POWERS[options.metric],
    ...(frame.units.length > 0 && { shareOfB: shareOfB(frame) }),
  };
}

function normOf({ reweight }: LegoOptions): "linf" | "l2" {
  return reweight === "l2" ? "l2" : "linf";
}

/** Mean of the members' norms divided by the centre's norm; null if the members cancel. */
async function reweightCentres(
  pool: Pool,
  frame: Frame,
  groups: readonly Group[],
  centreNorms: Float64Array,
  options: LegoOptions,
): Promise<(number | null)[]> {
  if (options.reweight === "none") return groups.map(() => 1);
  const norms = options.reweight === "l2" ? lengths(frame) : await largestEntries(pool, frame);
  return groups.map(({ leaders, weights }, c) => {
    if (leaders.length === 1) return 1;
    const total = weights.reduce((sum, w) => sum + w, 0);
    const mean = leaders.reduce((sum, i, x) => sum + (weights[x]! / total) * norms[i]!, 0);
    return centreNorms[c]! < LEAST_CENTRE * mean ? null : mean / centreNorms[c]!;
  });
}

function lengths({ units, gramA, gramB }: Frame): number[] {
  return units.map((_, i) => Math.sqrt(gramA[i * units.length + i]! + gramB[i * units.length + i]!));
}

async function largestEntries(pool: Pool, { units }: Frame): Promise<number[]> {
  if (units.every(({ members }) => members.length === 1)) {
    return units.map(({ members, a, b }) =>
      Math.max(Math.abs(a[0]!) * pool.maxA[members[0]!]!, Math.abs(b[0]!) * pool.maxB[members[0]!]!),
    );
  }
  const { a, b } = await pool.extremes(units);
  return units.map((_, i) => Math.max(Math.abs(a[i]!), Math.abs(b[i]!)));
}

/** Weighted mean of the live ranks of the adapters that have live units here. */
function meanRank({ ids, weights }: Frame): number {
  const ranks = new Map<number, { rank: number; weight: number }>();
  for (let i = 0; i < ids.length; i++) {
    const found = ranks.get(ids[i]![0]);
    if (found === undefined) ranks.set(ids[i]![0], { rank: 1, weight: weights[i]! });
    else found.rank++;
  }
  const adapters = [...ranks.values()].sort((p, q) => p.weight - q.weight || p.rank - q.rank);
  const total = adapters.reduce((sum, { weight }) => sum + weight, 0);
  return adapters.reduce((sum, { rank, weight }) => sum + (weight / total) * rank, 0);
}

function shareOfB({ units, gramA, gramB }: Frame): number {
  let a = 0;
  let b = 0;
  for (let i = 0; i < units.length; i++) {
    a += gramA[i * units.length + i]!;
    b += gramB[i * units.length + i]!;
  }
  return b / (a + b);
}
