// Made by tools/evidence/measured-methods.mjs from docs/evidence.json.

type ByRank = Readonly<Record<string, Readonly<Record<number, number>>>>;

/**
 * What methods scored at each rank that was measured, as merged and with the factor of `--scale auto`: accuracy in %, mean over the seven
 * tasks, of the adapters of MEASURED_METHODS.
 */
export const MEASURED_RANKS: { readonly asMerged: ByRank; readonly computed: ByRank } = {
  asMerged: {
    lego: { 1: 76.4, 2: 85.5, 3: 85.8, 4: 86.5, 6: 87.9, 8: 91.9, 12: 94.1, 16: 94.5, 24: 94.7, 32: 93.3, 42: 90.9 },
    average: { 1: 84.3, 2: 85.6, 3: 86.4, 4: 87.2, 6: 87.7, 8: 88, 12: 88.1, 16: 88.2, 24: 88.2, 32: 88.2, 42: 88.2 },
    task_arithmetic: { 6: 65.8, 12: 65.6, 42: 65.3 },
    svd: { 1: 67.3, 2: 71.6, 3: 68.4, 4: 66.2, 6: 65.8, 8: 64.9, 12: 65.6, 16: 65.3, 24: 65.2, 32: 65.3, 42: 65.3 },
    linear: { 6: 47.3, 12: 47.3, 42: 47.3 },
    ties: { 6: 88.2, 12: 88.2, 42: 88.2 },
    ties_svd: { 6: 92.8, 12: 93, 42: 93.4 },
    dare_linear_svd: { 6: 66, 12: 65.6, 42: 64.8 },
    dare_ties_svd: { 6: 91.4, 12: 91.4, 42: 92 },
    magnitude_prune_svd: { 6: 67.4, 12: 67.9, 42: 67.7 },
    della: { 6: 91.2, 12: 91.3, 42: 91.7 },
    breadcrumbs: { 6: 68.4, 12: 69.1, 42: 69.2 },
    robust_merge: { 6: 47.6, 12: 47.6, 42: 47.6 },
    knots: { 6: 93.2, 12: 94.1, 42: 94.5 },
    core_space: { 6: 93.4, 12: 94, 42: 94.5 },
    tsv: { 6: 93.9, 12: 90.5, 42: 89.2 },
    iso_c: { 6: 88.8, 12: 91.4, 42: 91.6 },
    iso_cts: { 6: 82.2, 12: 91.4, 42: 91.4 },
    pico: { 6: 92.5, 12: 94, 42: 94.5 },
    ctm: { 6: 94.4, 12: 94.6, 42: 94.5 },
    svd_clamp: { 6: 69.4 },
    della_linear: { 6: 65.9 },
    breadcrumbs_ties: { 6: 92.1 },
    sce: { 6: 92.1 },
    multislerp: { 6: 89.6 },
    karcher: { 6: 89.8 },
    model_stock: { 6: 77 },
    dc_merge: { 6: 81.1, 12: 83.2 },
    do_merging: { 6: 91.5, 12: 90.7 },
    ct_merge: { 6: 75.6 },
  },
  computed: {
    lego: { 3: 86.8, 6: 90.5, 12: 94.3 },
    average: { 6: 91.8, 12: 92.1 },
    iso_c: { 6: 94.2, 12: 95.5 },
    iso_cts: { 6: 94.6, 12: 95.8 },
    tsv: { 3: 94.4, 6: 95.1, 12: 95.6 },
    ctm: { 6: 94.8, 12: 94.4 },
    dc_merge: { 6: 94.7, 12: 94.4 },
    ties_svd: { 6: 92.7, 12: 92.7 },
    svd_clamp: { 6: 92.1 },
    della_linear: { 6: 91.9 },
    breadcrumbs_ties: { 6: 91.8 },
    sce: { 6: 92.3 },
    multislerp: { 6: 90.2 },
    karcher: { 6: 91.1 },
    model_stock: { 6: 90.2 },
    do_merging: { 6: 94.7, 12: 95.2 },
    ct_merge: { 6: 75.6 },
  },
};
