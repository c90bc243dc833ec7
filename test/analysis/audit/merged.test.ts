import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import type { RecordedMerge } from "../../../src/analysis/audit/audit-merged.ts";
import { RefusedError } from "../../../src/core/errors.ts";
import { audited, diagonal, foundIn, GOOD, MODULE, near, sum, THREE, unit } from "../../support/audited-merge.ts";
import { openPico } from "../../support/pico.ts";

describe("a merged adapter", () => {
  it("is measured against its inputs by hand", async () => {
    // D_0 and D_1 are orthogonal and of length 1, D' = 0.6 D_0 + 0.8 D_1 has length 1; its product with the sum, of length
    // sqrt 2, is 1.4. Two unrelated adapters ask for a share of 1 / sqrt(3 - 1/8) of each.
    const audit = await audited(diagonal("m", { 0: 0.6, 1: 0.8 }), [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })]);
    expect(audit).toMatchObject({
      name: "m",
      adapters: ["a", "b"],
      weights: [1, 1],
      modules: 1,
      leftOut: 0,
      rank: 2,
      normRatio: near(1),
      cosines: [near(0.6), near(0.8)],
      shares: [near(0.6), near(0.8)],
      energy: near(1.4 ** 2 / 2),
      agreement: near(1.4 / Math.SQRT2),
      room: near(1),
      rankForMost: 2,
      idleRanks: 0,
      good: true,
      notes: [],
    });
    expect(audit.autoScale.factor).toBeCloseTo(2 / Math.sqrt(3 - 1 / 8) / 1.4, 3);
    expect(audit.effectiveRank).toBeCloseTo(Math.exp(-(3 / 7) * Math.log(3 / 7) - (4 / 7) * Math.log(4 / 7)), 6);
    expect(foundIn(audit)).toEqual([]);
  });

  it("is measured with the weights of its merge, which may differ by module", async () => {
    const pair = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })];
    const even = await audited(diagonal("m", { 0: 2, 1: 1 }), pair);
    const weighted = await audited(diagonal("m", { 0: 2, 1: 1 }), pair, sum([2, 1]));
    expect([even.energy, weighted.energy]).toEqual([near(9 / 10), near(1)]);
    const byModule = sum([1, 1], { weightsOf: (name) => (name === MODULE ? [2, 1] : [9, 9]) });
    expect((await audited(diagonal("m", { 0: 2, 1: 1 }), pair, byModule)).energy).toBeCloseTo(1, 6);
    // Weight 0: the adapter is not read there.
    const alone = await audited(diagonal("m", { 0: 1 }), pair, sum([1, 0]));
    expect([alone.energy, alone.cosines]).toEqual([near(1), [near(1), null]]);
  });

  it("notes modules that it leaves out, and is measured on those that it has", async () => {
    const other = openPico("b", {
      modules: {
        [MODULE]: { A: [unit(1)], B: unit(1).map((x) => [x]) },
        "layers.1.q_proj": { A: [unit(1)], B: unit(1).map((x) => [x]) },
      },
    });
    const audit = await audited(diagonal("m", { 0: 0.6, 1: 0.6 }), [diagonal("a", { 0: 1 }), other]);
    expect([audit.modules, audit.leftOut, audit.energy]).toEqual([1, 1, near(1)]);
    expect(audit.notes).toEqual(["1 module of the adapters is not in the result."]);
  });

  it("is refused if it shares no module with the adapters, in one sentence", async () => {
    const apart = audited(diagonal("m", { 0: 1 }, "layers.0.v_proj"), [diagonal("a", { 0: 1 })]);
    await expect(apart).rejects.toThrow(RefusedError);
    await expect(apart).rejects.toThrow(
      `m (1 module, such as layers.0.v_proj) and a (1 module, such as ${MODULE}) share no module; merge adapters of one base model.`,
    );
    const gguf = audited(diagonal("m", { 0: 1 }, "blk.0.attn_q"), [diagonal("a", { 0: 1 })]);
    await expect(gguf).rejects.toThrow(
      /; convert m first: lora-lego convert \S+ --to peft --base-config BASE\/config\.json --out \S+ \(BASE is /,
    );
  });
});

it("an audit of a merge does not depend on the order of its inputs", async () => {
  const merged = (): Promise<Adapter> => diagonal("m", { 0: 0.6, 1: 0.8, 2: 0.1 });
  const one = await audited(merged(), THREE, sum([1, 2, 3]));
  const other = await audited(merged(), [THREE[2]!, THREE[0]!, THREE[1]!], sum([3, 1, 2]));
  expect(other.signatures.map(({ text }) => text)).toEqual(one.signatures.map(({ text }) => text));
  expect(other.shares).toEqual([one.shares[2], one.shares[0], one.shares[1]].map((share) => near(share!)));
});

describe("signatures", () => {
  it("say what to add where the flags of the merge are not known", async () => {
    const low = (recipe: RecordedMerge["recipe"]) =>
      audited(diagonal("m", { 0: GOOD }), THREE, sum([1, 1, 1], { recipe }));
    expect((await low(null)).next[0]!.why).toMatch(/ Add the flags that it was merged with, which are not recorded\.$/);
    expect((await low({ method: "svd" })).next[0]!.why).toBe("Rank 3 can hold enough of the energy.");
  });

  it("say what cannot be measured of zeros", async () => {
    const zero = await audited(diagonal("m", { 0: 1 }), [diagonal("a", { 0: 0 })]);
    expect(zero.signatures.map(({ id, found }) => [id, found])).toEqual([
      ["rank-too-low", null],
      ["rank-too-high", false],
      ["mixed-clusters", null],
      ["scale-too-small", null],
      ["scale-too-large", null],
      ["no-direction", null],
      ["lost-adapter", false],
      ["badly-kept", null],
    ]);
    expect([zero.energy, zero.shares, zero.room]).toEqual([null, [null], null]);
  });
});
