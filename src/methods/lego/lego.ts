import { shareOfB } from "../../figures/share-of-b.ts";
import { scaleCombination } from "../../linalg/combination.ts";
import type { Pool } from "../../units/pool.ts";
import { scaleRows } from "../../units/unit-rows.ts";
import { type MergedModule, type MergeRequest, type Method, sumOfRanks } from "../method.ts";
import { compareIds } from "../unit-order.ts";
import { meanCentre, rank1Centre } from "./centre.ts";
import { decorrelated } from "./decorrelate.ts";
import { frameUnits } from "./frame.ts";
import { type Group, groupUnits } from "./group.ts";
import { manyUnitsBytes, refuseMany } from "./many/bounds.ts";
import { DELTAS, LEGO_PARAMETERS, type LegoOptions, PAPER } from "./options.ts";
import { meanNorm, meanRank, withNorm } from "./output.ts";
import { reweightCentres } from "./reweight.ts";
import { usualRank } from "./usual-rank.ts";

const INERTIA_POWERS = { euclidean: 1, delta: 2, manhattan: 0.5, cosine: 0, transport: 1 } as const;

/**
 * LoRA-LEGO: split every adapter into its units, cluster the units of all adapters, and build the result from the cluster
 * centres. Each centre is scaled to its members' mean norm (parameter reweighting), the centres may be decorrelated, and the whole
 * delta is multiplied by sqrt(r / k) (output reweighting; r is the weighted mean of the adapters' live ranks) or brought to the
 * adapters' mean norm.
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
  presets: { paper: PAPER, deltas: DELTAS },
  resizes: "cluster its units",
  // Singular units are numbered by size, not by the start of training.
  namesStoredUnits: ({ gauge }) => gauge !== "svd",
  // The output is sized by the weighted mean of the norms, or of the ranks.
  weighsUngrouped: ({ outputNorm, outputReweight }, ranksDiffer) =>
    outputNorm === "mean" || (outputReweight && ranksDiffer),
  precise: ({ gauge, centre, reweight, decorrelate, outputNorm }) =>
    gauge === "svd" || centre === "rank1" || reweight === "delta" || decorrelate > 0 || outputNorm === "mean",
  yields: "combinations",
  cut: "clusters",
  defaultTarget: (_, modules) => ({ kind: "rank", rank: usualRank(modules) }),
  fullRank: sumOfRanks,
  merge: mergeLego,
  many: {
    refuses: refuseMany,
    scratchBytes: manyUnitsBytes,
    // Rare, so the page does not load it before.
    merge: async (pool, request) => (await import("./many/merge.ts")).mergeManyUnits(pool, request),
  },
};

async function mergeLego(pool: Pool, request: MergeRequest<LegoOptions>): Promise<MergedModule> {
  const { rank: k, options } = request;
  const frame = await frameUnits(pool, options, request.totalWeight / request.inputs);
  const { groups: unordered, inertia } = await groupUnits(pool, frame, k, options);
  const place = (group: Group): number => Math.min(...group.members.map((i) => frame.places[i]!));
  const groups = unordered.toSorted((one, other) => place(one) - place(other));

  const centreOf = options.centre === "rank1" ? rank1Centre : meanCentre;
  const centres = groups.map((group) => centreOf(frame, group));
  const { reweights, rows } = await reweightCentres(pool, frame, groups, centres, options);
  const half = options.outputReweight ? (meanRank(frame) / groups.length) ** 0.25 : 1;
  const factors = reweights.map((reweight) => (reweight ?? 0) * half);
  const sized = centres.map((centre, c) => scaleCombination(centre, factors[c]!, factors[c]!));
  const decorrelate = options.decorrelate > 0 && groups.some(({ members }) => members.length > 1);
  const apart = decorrelate ? decorrelated(pool, sized, options.decorrelate) : sized;
  const combinations = options.outputNorm === "mean" ? withNorm(pool, apart, meanNorm(pool, frame)) : apart;
  const asRows = combinations === sized ? rows : null;
  if (asRows !== null) scaleRows(pool, asRows, factors);
  return {
    rows: asRows,
    combinations,
    clusters: groups.map((group, c) => ({
      members: group.members.map((i) => frame.ids[i]!).toSorted(compareIds),
      reweight: reweights[c]!,
    })),
    inertia,
    inertiaPower: INERTIA_POWERS[options.metric],
    // Deltas have no part that is B's.
    ...(frame.units.length > 0 &&
      options.metric !== "delta" && { shareOfB: shareOfB(frame.gramA, frame.gramB, frame.units.length + 1) }),
  };
}
