import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { CONSUMER_IDS, consumerById } from "../../../src/adapter/consumers.ts";
import { type Audit, auditSet } from "../../../src/analysis/audit/audit-set.ts";
import { checkOpened, isGood } from "../../../src/analysis/check.ts";
import { RefusedError } from "../../../src/core/errors.ts";
import { tightKernels } from "../../support/kernels.ts";
import { type Nested, openPico, type PicoAdapter, randomAdapter } from "../../support/pico.ts";

const near = (value: number) => expect.closeTo(value, 6);
const audited = (adapters: readonly Adapter[]): Promise<Audit> =>
  auditSet(
    tightKernels(),
    adapters,
    adapters.map(({ name }) => `dir/${name}`),
  );
/** An adapter of one module q. */
const one = (name: string, A: Nested, B: Nested, rest: Partial<PicoAdapter> = {}): Promise<Adapter> =>
  openPico(name, { modules: { "layers.0.q_proj": { A, B } }, ...rest });
const ids = ({ findings }: Audit): string[] => findings.map(({ level, id }) => `${level} ${id}`);

describe("auditSet", () => {
  it("gives norms, shares, similarity and conflicts by hand", async () => {
    // D_0 = [[1, 1], [0, 0]], D_1 = [[-3, 0], [0, 0]]; S = [[-2, 1], [0, 0]] with |S|^2 = 5, <D_0, S> = -1, <D_1, S> = 6. They share
    // one entry that is not zero, with different signs; <D_0, D_1> = -3, and |D_0| |D_1| = 3 sqrt 2.
    const adapters = [await one("a", [[1, 1]], [[1], [0]]), await one("b", [[-3, 0]], [[1], [0]])];
    const audit = await audited(adapters);
    expect(audit.adapters.map(({ norm }) => norm)).toEqual([near(Math.SQRT2), near(3)]);
    expect(audit.adapters.map(({ share }) => share)).toEqual([near(-1 / 5), near(6 / 5)]);
    expect(audit.similarity).toEqual([
      [near(1), near(-Math.SQRT1_2)],
      [near(-Math.SQRT1_2), near(1)],
    ]);
    expect(audit.conflicts).toEqual([
      { kind: "q_proj", modules: 1, overlap: 0, cancel: near(Math.SQRT1_2), signConflicts: 1 },
    ]);
    expect([audit.modules, audit.sharedModules, audit.bases]).toEqual([1, 1, ["pico"]]);
  });

  it("gives the energy spectrum by hand", async () => {
    // Singular values 4 and 2: shares 2/3 and 1/3 of their sum, 16/20 and 4/20 of the energy, so 90% needs both.
    const wide = await one(
      "wide",
      [
        [4, 0],
        [0, 1],
      ],
      [
        [1, 0],
        [0, 2],
      ],
    );
    const entropy = -(2 / 3) * Math.log(2 / 3) - (1 / 3) * Math.log(1 / 3);
    expect((await audited([wide])).adapters[0]).toMatchObject({
      ranks: [2],
      modules: 1,
      effectiveRank: near(Math.exp(entropy)),
      energyRank: 2,
      spectrum: [near(1), near(0.5)],
      zeroModules: 0,
      outliers: 0,
    });
  });

  it.each([
    [21, ["note outliers"], 1],
    [9, [], 0],
  ])("notes a first singular value of %d times the second", async (first, found, outliers) => {
    const steep = await one(
      "steep",
      [
        [first, 0],
        [0, 1],
      ],
      [
        [1, 0],
        [0, 1],
      ],
    );
    const audit = await audited([steep]);
    expect(ids(audit)).toEqual(found);
    expect(audit.adapters[0]!.outliers).toBe(outliers);
  });

  it("counts modules that all adapters have, and looks at pairs only where both have one", async () => {
    const two = await openPico("two", randomAdapter(1));
    const alone = await openPico("alone", randomAdapter(2, { modules: { "layers.1.q_proj": { in: 4, out: 7 } } }));
    const audit = await audited([two, alone]);
    expect([audit.modules, audit.sharedModules]).toEqual([2, 1]);
    expect(audit.conflicts).toMatchObject([{ kind: "q_proj", modules: 1 }]);
  });

  it("gives adapters that are all zero no shares and no recommendation", async () => {
    const audit = await audited([await one("a", [[1, 1]], [[0], [0]]), await one("b", [[1, 0]], [[0], [0]])]);
    expect(audit.adapters).toMatchObject([
      { norm: 0, share: null, effectiveRank: null, energyRank: null, zeroModules: 1 },
      { norm: 0, share: null },
    ]);
    expect(ids(audit)).toEqual(["problem zero-adapter", "problem zero-adapter"]);
    expect([audit.recommendation, audit.good, audit.similarity[0]![1]]).toEqual([null, false, null]);
  });

  it("finds no share in a sum that cancels", async () => {
    const audit = await audited([await one("a", [[1, 1]], [[1], [0]]), await one("b", [[1, 1]], [[-1], [0]])]);
    expect(audit.adapters.map(({ share }) => share)).toEqual([null, null]);
    expect(audit.conflicts).toMatchObject([{ overlap: 0, cancel: near(1) }]);
  });

  it("says of each program what check says", async () => {
    const plain = await openPico("plain", randomAdapter(1, { rank: 4 }));
    const conv = await openPico("conv", randomAdapter(2, { modules: { c: { in: 4, out: 3, kind: "conv" } } }));
    for (const adapter of [plain, conv]) {
      const { consumers } = await audited([adapter]);
      expect(consumers.map((consumer) => consumer.for)).toEqual([...CONSUMER_IDS]);
      for (const { for: id, problems } of consumers) {
        expect(problems.length === 0, id).toBe(isGood(checkOpened(adapter, consumerById(id))));
        for (const { adapter: name, text } of problems) expect([name, text.length > 10]).toEqual([adapter.name, true]);
      }
    }
  });

  it("refuses adapters of different shapes in one sentence, without a flag that audit lacks", async () => {
    const audit = audited([await one("a", [[1, 1]], [[1], [0]]), await one("b", [[1, 1, 1]], [[1], [0]])]);
    await expect(audit).rejects.toThrow(RefusedError);
    await expect(audit).rejects.toThrow(/adapt different bases: .* merge adapters of one base model\.$/);
  });
});

describe("an order of the adapters", () => {
  const random = (seed: number, rank: number): Promise<Adapter> =>
    openPico(`adapter-${seed}`, randomAdapter(seed, { rank }));
  const by = <T>(order: readonly number[], values: readonly T[]): T[] => order.map((t) => values[t]!);

  it("only permutes the tables, to the last bit", async () => {
    const adapters = await Promise.all([random(1, 2), random(2, 3), random(3, 1)]);
    const first = await audited(adapters);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), async (order) => {
        const other = await audited(by(order, adapters));
        expect(other.adapters).toEqual(by(order, first.adapters));
        expect(other.similarity).toEqual(
          by(
            order,
            first.similarity.map((row) => by(order, row)),
          ),
        );
        expect(other.starts).toEqual(
          by(
            order,
            first.starts.map((row) => by(order, row)),
          ),
        );
        expect(other.conflicts).toEqual(first.conflicts);
        expect(ids(other).sort()).toEqual(ids(first).sort());
      }),
      { numRuns: 6 },
    );
  });

  it("does not hide a copy, whose cosine is 1 at any size", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(0.25, 1, 8), async (seed, scale) => {
        const own = randomAdapter(seed);
        const copy = { ...own, config: { lora_alpha: 2 * scale } };
        const audit = await audited([await openPico("own", own), await openPico("copy", copy)]);
        expect(audit.similarity[0]![1]).toBeCloseTo(1, 9);
        expect(audit.starts[0]![1]).toBeCloseTo(1, 9);
        expect(audit.conflicts).toMatchObject([{ overlap: near(1), cancel: 0, signConflicts: 0 }]);
        expect(ids(audit)).toContain("problem same-adapter");
      }),
      { numRuns: 10 },
    );
  });
});
