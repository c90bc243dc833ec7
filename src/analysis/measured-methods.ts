// Made by tools/evidence/measured-methods.mjs from docs/evidence.json.

/** What a method scored: accuracy in %, mean over seven tasks of minibench's Llama, from seven adapters of one seed at rank 6. */
export interface MeasuredMethod {
  readonly asMerged: number;
  /** Times a factor. */
  readonly withFactor: number;
  /** Whether that is `--scale auto`; else the factor that does best on other rows. */
  readonly auto: boolean;
}

/** The same of the base model, and of each task's own adapter. */
export const MEASURED_BOUNDS = { base: 69.3, own: 99 } as const;

/** Every method that was measured, best first. */
export const MEASURED_METHODS: Readonly<Record<string, MeasuredMethod>> = {
  tsv: { asMerged: 93.9, withFactor: 95.1, auto: true },
  ctm: { asMerged: 94.4, withFactor: 94.8, auto: true },
  do_merging: { asMerged: 91.5, withFactor: 94.7, auto: true },
  dc_merge: { asMerged: 81.1, withFactor: 94.7, auto: true },
  iso_cts: { asMerged: 82.2, withFactor: 94.6, auto: true },
  iso_c: { asMerged: 88.8, withFactor: 94.2, auto: true },
  core_space: { asMerged: 93.4, withFactor: 93.4, auto: false },
  knots: { asMerged: 93.2, withFactor: 93.2, auto: false },
  ties_svd: { asMerged: 92.8, withFactor: 92.7, auto: true },
  pico: { asMerged: 92.5, withFactor: 92.5, auto: false },
  sce: { asMerged: 92.1, withFactor: 92.3, auto: true },
  svd_clamp: { asMerged: 69.4, withFactor: 92.1, auto: true },
  dare_linear_svd: { asMerged: 66, withFactor: 92, auto: false },
  della_linear: { asMerged: 65.9, withFactor: 91.9, auto: true },
  task_arithmetic: { asMerged: 65.8, withFactor: 91.8, auto: false },
  svd: { asMerged: 65.8, withFactor: 91.8, auto: false },
  average: { asMerged: 87.7, withFactor: 91.8, auto: true },
  breadcrumbs_ties: { asMerged: 92.1, withFactor: 91.8, auto: true },
  breadcrumbs: { asMerged: 68.4, withFactor: 91.8, auto: false },
  magnitude_prune_svd: { asMerged: 67.4, withFactor: 91.3, auto: false },
  dare_ties_svd: { asMerged: 91.4, withFactor: 91.3, auto: false },
  della: { asMerged: 91.2, withFactor: 91.2, auto: false },
  karcher: { asMerged: 89.8, withFactor: 91.1, auto: true },
  lego: { asMerged: 87.9, withFactor: 90.5, auto: true },
  multislerp: { asMerged: 89.6, withFactor: 90.2, auto: true },
  model_stock: { asMerged: 77, withFactor: 90.2, auto: true },
  ties: { asMerged: 88.2, withFactor: 89.8, auto: false },
  ct_merge: { asMerged: 75.6, withFactor: 75.6, auto: true },
  robust_merge: { asMerged: 47.6, withFactor: 65.6, auto: false },
  linear: { asMerged: 47.3, withFactor: 58.3, auto: false },
};
