import { describe, expect, it } from "vitest";
import { ModuleView } from "../../src/analysis/module-view.ts";
import { type LegoOptions, PAPER } from "../../src/methods/lego/options.ts";
import { tightKernels } from "../support/kernels.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

const OPTIONS: readonly Partial<LegoOptions>[] = [
  {},
  { metric: "manhattan", sign: "line" },
  { gauge: "svd", sign: "canonical", centre: "rank1", reweight: "l2" },
];

describe("a view of a module", () => {
  it.each([
    [1000, 20],
    [20, 1000],
  ])("clusters %i -> %i into any number, however often, in the memory that a pool takes", async (inputs, out) => {
    const modules = { q: { in: inputs, out } };
    const adapters = await Promise.all(
      [1, 2, 3].map((seed) => openPico(`t${seed}`, randomAdapter(seed, { modules, rank: 12 }))),
    );
    const view = (await ModuleView.open(tightKernels(), adapters, "q"))!;
    for (const given of OPTIONS) {
      const options = { ...PAPER, ...given };
      expect((await view.plane(options)).units).toHaveLength(36);
      for (const k of [36, 1, 18, 35]) expect((await view.cluster(k, options)).clusters).toHaveLength(k);
    }
  });
});
