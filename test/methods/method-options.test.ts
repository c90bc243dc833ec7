import { expect, it } from "vitest";
import type { MethodOptions } from "../../src/methods/method-options.ts";
import { METHODS } from "../../src/methods/registry.ts";

/** `from_outside` is of test/types. */
type Own = Exclude<keyof MethodOptions, "from_outside">;

/** The compiler refuses an id without a line here. */
const IDS: Readonly<Record<Own, true>> = {
  lego: true,
  cat: true,
  average: true,
  svd: true,
  task_arithmetic: true,
  linear: true,
  magnitude_prune: true,
  ties: true,
  dare_linear: true,
  dare_ties: true,
  robust_merge: true,
  slerp: true,
  tsv: true,
  iso_c: true,
  iso_cts: true,
  core_space: true,
  pico: true,
  ctm: true,
  magnitude_prune_svd: true,
  ties_svd: true,
  dare_linear_svd: true,
  dare_ties_svd: true,
  della: true,
  breadcrumbs: true,
  knots: true,
};

it("MethodOptions has every registered method, and no other", () => {
  expect(Object.keys(IDS).sort()).toEqual(METHODS.map(({ id }) => id).sort());
});
