import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { auditMergedAdapter, type MergedAudit, type RecordedMerge } from "../../../src/analysis/audit/audit-merged.ts";
import type { Signature } from "../../../src/analysis/audit/signatures.ts";
import { RefusedError } from "../../../src/core/errors.ts";
import { methodById } from "../../../src/methods/registry.ts";
import { tightKernels } from "../../support/kernels.ts";
import { openPico } from "../../support/pico.ts";

const near = (value: number) => expect.closeTo(value, 6);
const MODULE = "layers.0.q_proj";
const unit = (at: number, value = 1): number[] => [0, 1, 2, 3].map((x) => (x === at ? value : 0));

/** An adapter whose delta has these values on the diagonal, by position; `module` is its only one. */
function diagonal(name: string, values: Readonly<Record<number, number>>, module = MODULE): Promise<Adapter> {
  const places = Object.keys(values).map(Number);
  const A = places.map((at) => unit(at));
  const B = [0, 1, 2, 3].map((row) => places.map((at) => (row === at ? values[at]! : 0)));
  return openPico(name, { modules: { [module]: { A, B } } });
}

const sum = (weights: readonly number[], rest: Partial<RecordedMerge> = {}): RecordedMerge => ({
  method: methodById("cat"),
  weights,
  weightsOf: () => weights,
  recipe: null,
  clusters: null,
  unseen: [],
  mismatch: null,
  ...rest,
});

async function audited(
  merged: Promise<Adapter>,
  adapters: readonly Promise<Adapter>[],
  recorded: RecordedMerge = sum(adapters.map(() => 1)),
): Promise<MergedAudit> {
  const command = (fix: object): string => JSON.stringify({ ...fix, why: undefined });
  return auditMergedAdapter(tightKernels(), await merged, await Promise.all(adapters), recorded, command);
}
const signature = ({ signatures }: MergedAudit, id: Signature["id"]): Signature =>
  signatures.find((each) => each.id === id)!;
const fixesOf = ({ next }: MergedAudit): unknown[] => next.flatMap(({ how }) => (how === null ? [] : JSON.parse(how)));
const foundIn = ({ signatures }: MergedAudit): string[] => signatures.filter(({ found }) => found).map(({ id }) => id);

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

const THREE = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 }), diagonal("c", { 2: 1 })];
/** About the factor for three unrelated adapters, 1 / sqrt(4 - 1/27). */
const GOOD = 0.5;

describe("signatures", () => {
  it("tell a rank that is too low for the adapters' sum, and name one that is enough", async () => {
    // One of three equal singular values holds a third of the energy; two of them two thirds.
    const low = await audited(diagonal("m", { 0: GOOD }), THREE);
    expect(signature(low, "rank-too-low")).toEqual({
      id: "rank-too-low",
      found: true,
      figure: near(1 / 3),
      limit: 0.9,
      text: "rank 1 can hold 33% of the sum's energy (least 90%)",
    });
    expect(fixesOf(low)).toEqual([{ rank: 3 }]);
    const enough = await audited(diagonal("m", { 0: GOOD, 1: GOOD, 2: GOOD }), THREE);
    expect(signature(enough, "rank-too-low")).toMatchObject({ found: false, figure: near(1) });
    expect(enough.next).toEqual([]);
    expect([enough.good, low.good]).toEqual([true, false]);
  });

  it("tell a rank that is too high for what the result holds", async () => {
    // 100 of 100.03 in the first of four ranks.
    const high = await audited(diagonal("m", { 0: 1, 1: 0.01, 2: 0.01, 3: 0.01 }), [diagonal("a", { 0: 1 })]);
    expect(signature(high, "rank-too-high")).toEqual({
      id: "rank-too-high",
      found: true,
      figure: near(3 / 4),
      limit: 2 / 3,
      text: "75% of the ranks hold the last 1% of energy (most 67%)",
    });
    expect(fixesOf(high)).toEqual([{ energy: "sv_fro=0.995" }]);
    const even = await audited(diagonal("m", { 0: GOOD, 1: GOOD, 2: GOOD }), THREE);
    expect(signature(even, "rank-too-high")).toMatchObject({ found: false, figure: 0 });
    expect(even.next).toEqual([]);
  });

  it("tell clusters that join adapters from those that gather one, and say where they are not known", async () => {
    const numbers = [0, 1, 2, 3];
    const of = { rank: 3, normRatio: GOOD * Math.sqrt(3), cosines: [1, 1, 1].map((one) => one / Math.sqrt(3)) };
    const merged = (modules: readonly number[][][] | null, own = of): Promise<MergedAudit> =>
      audited(
        diagonal("m", { 0: GOOD, 1: GOOD, 2: GOOD }),
        THREE,
        sum([1, 1, 1], { clusters: modules && { modules, of: own } }),
      );
    // Each cluster holds one unit of each of four adapters: purity 1/4.
    const mixed = await merged([numbers.map(() => [...numbers])]);
    expect(mixed.purity!.purity).toBe(0.25);
    expect(signature(mixed, "mixed-clusters")).toMatchObject({
      found: true,
      limit: 0.75,
    });
    expect(fixesOf(mixed)).toEqual([{ method: "auto", rank: 3 }]);
    expect(signature(mixed, "mixed-clusters").text).toMatch(/^purity 25%, 0\.[3-6]\d times chance's \(least 0\.75\)$/);
    // Of another merge of the same adapters: its result has less of the third.
    const others = await merged([numbers.map(() => [...numbers])], { ...of, cosines: [0.7, 0.7, 0.1] });
    expect([others.purity, others.unseen]).toEqual([null, ["clusters (report.json is about another result)"]]);
    const pure = await merged([numbers.map((t) => numbers.map(() => t))]);
    expect(signature(pure, "mixed-clusters")).toMatchObject({ found: false });
    expect(pure.next).toEqual([]);
    expect(signature(await merged(null), "mixed-clusters")).toEqual({
      id: "mixed-clusters",
      found: null,
      figure: null,
      limit: 0.75,
      text: "the method makes no clusters",
    });
  });

  it.each([
    [0.3, ["scale-too-small"], "1.674"],
    [GOOD, [], null],
    [1, ["scale-too-large"], "0.5023"],
  ])("tell the scale of three adapters times %d (by hand: 1 / sqrt(4 - 1/27) over that)", async (size, ids, factor) => {
    const audit = await audited(diagonal("m", { 0: size, 1: size, 2: size }), THREE);
    expect(foundIn(audit)).toEqual(ids);
    expect(audit.autoScale.factor).toBeCloseTo(1 / Math.sqrt(4 - 1 / 27) / size, 3);
    expect(fixesOf(audit)).toEqual(factor === null ? [] : [{ factor: Number(factor) }]);
    // Where the recipe is known, the same merge with that factor times its own.
    const known = await audited(
      diagonal("m", { 0: size, 1: size, 2: size }),
      THREE,
      sum([1, 1, 1], { recipe: { method: "cat", scale: 2 } }),
    );
    const doubled = [{ scale: Number((2 * Number(factor)).toPrecision(4)) }];
    expect(fixesOf(known)).toEqual(factor === null ? [] : doubled);
  });

  it("say nothing of the scale, nor of what a result should hold of each, where the weights are not known", async () => {
    const pair = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })];
    const audit = await audited(diagonal("m", { 0: 1, 1: 9 }), pair, sum([1, 1], { weights: null }));
    for (const id of ["scale-too-small", "scale-too-large", "badly-kept"] as const) {
      expect(signature(audit, id)).toMatchObject({
        found: null,
        figure: null,
        text: "the weights of the merge are not known",
      });
    }
    expect([audit.weights, audit.next, audit.good]).toEqual([null, [], true]);
  });

  it("ask for no factor where no module has two adapters", async () => {
    const apart = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 2 }, "layers.1.q_proj")];
    const both = openPico("m", {
      modules: {
        [MODULE]: { A: [unit(0)], B: [0, 1, 2, 3].map((row) => [row === 0 ? 1 : 0]) },
        "layers.1.q_proj": { A: [unit(1)], B: [0, 1, 2, 3].map((row) => [row === 1 ? 2 : 0]) },
      },
    });
    const audit = await audited(both, apart);
    expect(audit.autoScale).toMatchObject({ factor: 1, rule: "nothing shared" });
    expect(signature(audit, "scale-too-large")).toMatchObject({ found: null, text: "no module has two adapters" });
    expect([foundIn(audit), audit.next]).toEqual([[], []]);
  });

  it("compare a result of one adapter with its size", async () => {
    expect(foundIn(await audited(diagonal("m", { 0: 1 }), [diagonal("a", { 0: 1 })]))).toEqual([]);
    const twice = await audited(diagonal("m", { 0: 2 }), [diagonal("a", { 0: 1 })]);
    expect(signature(twice, "scale-too-large")).toMatchObject({ found: true, figure: 0.5 });
  });

  it("tell a result that holds nothing of the adapters, for which no factor follows", async () => {
    const stranger = await audited(diagonal("m", { 3: 1 }), [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })]);
    expect(foundIn(stranger)).toContain("no-direction");
    expect(signature(stranger, "no-direction")).toMatchObject({ figure: 0, limit: 0.2 });
    expect(signature(stranger, "scale-too-small")).toMatchObject({ found: null, figure: null });
    expect(stranger.next[0]).toEqual({ why: expect.stringMatching(/^Pass the adapters/), how: null });
    const only = await audited(diagonal("m", { 3: 1 }), [diagonal("a", { 0: 1 })]);
    expect(signature(only, "no-direction")).toMatchObject({ found: true, figure: 0 });
    const nothing = await audited(diagonal("m", { 3: 0 }), [diagonal("a", { 0: 1 })]);
    expect(signature(nothing, "no-direction")).toMatchObject({ found: true, figure: 0 });
    const own = await audited(diagonal("m", { 0: GOOD, 1: GOOD }), [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })]);
    expect(signature(own, "no-direction")).toMatchObject({ found: false, figure: near(1) });
  });

  it("tell an adapter that is lost, with the weight or the size that balances it", async () => {
    const adapters = [diagonal("a", { 0: 3 }), diagonal("b", { 1: 0.025 }), diagonal("c", { 2: 4.5 })];
    const result = (): Promise<Adapter> => diagonal("m", { 0: 1.5, 1: 0.0125, 2: 2.25 });
    const lost = await audited(result(), adapters);
    expect(signature(lost, "lost-adapter")).toMatchObject({ found: true, figure: 1, limit: 0 });
    expect(signature(lost, "lost-adapter").text).toMatch(
      /^b is practically lost: .* a weight of 150 would balance it, and amplify its noise as much\.$/,
    );
    const relative = await audited(result(), adapters, sum([1, 1, 1], { method: methodById("lego") }));
    expect(signature(relative, "lost-adapter").text).toMatch(
      /\(--method cat --scale 150\), which amplifies its noise as much/,
    );
    expect([fixesOf(lost), fixesOf(relative)]).toEqual([
      [{ weights: [1, 150, 1] }, { leaves: [1], weights: [1, 1, 1] }],
      [{ sizes: [1, 150, 1] }, { method: "auto", weights: [1, 150, 1] }, { leaves: [1], weights: [1, 1, 1] }],
    ]);
    expect(lost.next[0]!.why).toContain("b then counts 150 times, and its noise as much");
    const balanced = diagonal("m", { 0: 1.5, 1: 1.875, 2: 2.25 });
    expect(signature(await audited(balanced, adapters, sum([1, 150, 1])), "lost-adapter")).toMatchObject({
      found: false,
      figure: 0,
    });
  });

  it("name no single weight for a lost adapter whose weights differ by module", async () => {
    // With weights 1 and 2 b has 0.025 sqrt 5; the others' mean is 3.75 sqrt 2, 95 times as much.
    const [first, second] = ["layers.0.q_proj", "layers.1.q_proj"] as const;
    const both = (name: string, at: number, size: number): Promise<Adapter> => {
      const factors = { A: [unit(at)], B: unit(at, size).map((x) => [x]) };
      return openPico(name, { modules: { [first]: factors, [second]: factors } });
    };
    const weightsOf = (module: string): number[] => [1, module === first ? 1 : 2, 1];
    const adapters = [both("a", 0, 3), both("b", 1, 0.025), both("c", 2, 4.5)];
    const result = openPico("m", {
      modules: Object.fromEntries(
        [first, second].map((name) => [
          name,
          { A: [unit(0), unit(2)], B: [0, 1, 2, 3].map((row) => [row === 0 ? 1.5 : 0, row === 2 ? 2.25 : 0]) },
        ]),
      ),
    });
    const audit = await audited(result, adapters, sum([1, 1, 1], { weightsOf }));
    expect(signature(audit, "lost-adapter").text).toMatch(
      /; weights 95 times as large would balance it, and amplify its noise as much\.$/,
    );
  });

  it("tell an adapter that fewer ranks than adapters leave no room for", async () => {
    // The sum has the singular values 3, 3 and 1, of which rank 2 holds 18/19.
    const adapters = [diagonal("a", { 0: 3 }), diagonal("b", { 1: 3 }), diagonal("c", { 2: 1 })];
    const short = await audited(diagonal("m", { 0: 3 * GOOD, 1: 3 * GOOD }), adapters);
    expect(signature(short, "badly-kept")).toEqual({
      id: "badly-kept",
      found: true,
      figure: near(0),
      limit: 0.5,
      text: "0.00 times as much of c as of all (least 0.50)",
    });
    expect(fixesOf(short)).toEqual([{ rank: 3 }]);
    const whole = await audited(diagonal("m", { 0: 3 * GOOD, 1: 3 * GOOD, 2: 0.01 }), adapters);
    expect(signature(whole, "badly-kept")).toMatchObject({
      found: null,
      text: "0.02 times as much of c as of all (see lost-adapter)",
    });
    expect(foundIn(whole)).toContain("lost-adapter");
    const little = await audited(diagonal("m", { 0: 3 * GOOD, 1: 3 * GOOD, 2: 0.2 }), adapters);
    expect(signature(little, "badly-kept").text).toBe(
      "0.41 times as much of c as of all (below 0.50, though each has room: a larger weight holds more of it, and less of the others)",
    );
  });

  it("tell an adapter that does not show, whatever its size, by the rule of the table", async () => {
    const pair = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })];
    const audit = await audited(diagonal("m", { 0: 1, 2: 0.5 }), pair);
    expect(audit.kept).toEqual(["held", "lost"]);
    expect(signature(audit, "lost-adapter")).toMatchObject({
      found: true,
      figure: 1,
      text: "b has cosine 0.000 with the result.",
    });
    expect(signature(audit, "badly-kept").text).toBe("0.00 times as much of b as of all (see lost-adapter)");
    expect(audit.good).toBe(false);
    expect(audit.next[0]!.why).toMatch(/^Pass the adapters that it was made of/);
    expect(fixesOf(audit)).toContainEqual({ method: "auto", rank: 2 });
  });

  it("offer what auto takes instead of a result without a direction, unless auto made it", async () => {
    const strange = (recipe: RecordedMerge["recipe"]) =>
      audited(diagonal("m", { 0: 0.1, 1: 0.1, 2: 0.1, 3: 1 }), THREE, sum([1, 1, 1], { recipe }));
    expect(fixesOf(await strange({ method: "ct_merge" }))).toEqual([{ method: "auto", rank: 3 }]);
    expect(fixesOf(await strange({ method: "auto" }))).toEqual([]);
  });

  it("do not call the factor uncertain where an adapter is lost, nor name the one that it has", async () => {
    const pair = [diagonal("a", { 0: 1, 1: 0.5 }), diagonal("b", { 0: 1, 1: 0.5 })];
    const lost = [...pair, diagonal("c", { 3: 0.001 })];
    const made = (scale: number) => sum([1, 1, 1], { recipe: { method: "svd", scale } });
    const scalesOf = async (result: Promise<Adapter>, of: readonly Promise<Adapter>[]) =>
      fixesOf(await audited(result, of, made(1))).map((fix) => (fix as { scale?: number }).scale);
    const other = await audited(diagonal("m", { 0: 0.1, 1: 1 }), lost, made(1));
    expect(other.autoScale.rule).toBe("pull");
    expect(fixesOf(other).filter((fix) => "scale" in (fix as object))).toHaveLength(1);
    // Times the response of the first test, so that the response asks for 1.
    const { pull, response } = (await audited(diagonal("m", { 0: 0.08654, 1: 0.8654 }), pair)).autoScale;
    expect([response, pull! > 2]).toEqual([1, true]);
    expect(await scalesOf(diagonal("m", { 0: 0.08654, 1: 0.8654 }), pair)).toEqual([pull]);
  });

  it("say which other factor the adapters may ask for, as one that can be passed", async () => {
    // Of copies of (1, 0.5): pull 1.25 / 0.6, response (0.1 + 0.5 * 0.25) / (0.01 + 0.25).
    const pair = [diagonal("a", { 0: 1, 1: 0.5 }), diagonal("b", { 0: 1, 1: 0.5 })];
    const audit = await audited(
      diagonal("m", { 0: 0.1, 1: 1 }),
      pair,
      sum([1, 1], { recipe: { method: "svd", scale: 1 } }),
    );
    expect([audit.autoScale.pull, audit.autoScale.response]).toEqual([2.083, 0.8654]);
    expect(fixesOf(audit)).toEqual([{ scale: 2.083 }, { scale: 0.8654 }]);
    expect(audit.notes).toEqual([]);
  });

  it("take either of two factors that the adapters may ask for, and offer no other one to whoever chose", async () => {
    const pair = [diagonal("a", { 0: 1, 1: 0.5 }), diagonal("b", { 0: 1, 1: 0.5 })];
    for (const scale of [2.083, 0.8654]) {
      const result = diagonal("m", { 0: 0.1 * scale, 1: scale });
      const audit = await audited(result, pair, sum([1, 1], { recipe: { method: "svd", scale } }));
      expect([scale, foundIn(audit), audit.next]).toEqual([scale, [], []]);
    }
    const between = diagonal("m", { 0: 0.15, 1: 1.5 });
    const audit = await audited(between, pair, sum([1, 1], { recipe: { method: "svd", scale: 1.5 } }));
    expect([foundIn(audit), fixesOf(audit)]).toEqual([["scale-too-small"], [{ scale: 2.083 }]]);
  });

  it("let a rank that is too low be mended before what depends on it", async () => {
    // The best of rank 1 of two equal directions has less than the norm of both, which no factor should make up for.
    const cut = await audited(diagonal("m", { 0: 1 }), [diagonal("a", { 0: 1, 1: 1, 2: 1 })]);
    expect(foundIn(cut)).toEqual(["rank-too-low", "scale-too-small"]);
    expect(fixesOf(cut)).toEqual([{ rank: 3 }]);
  });

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

it("an audit of a merge does not depend on the order of its inputs", async () => {
  const merged = (): Promise<Adapter> => diagonal("m", { 0: 0.6, 1: 0.8, 2: 0.1 });
  const one = await audited(merged(), THREE, sum([1, 2, 3]));
  const other = await audited(merged(), [THREE[2]!, THREE[0]!, THREE[1]!], sum([3, 1, 2]));
  expect(other.signatures.map(({ text }) => text)).toEqual(one.signatures.map(({ text }) => text));
  expect(other.shares).toEqual([one.shares[2], one.shares[0], one.shares[1]].map((share) => near(share!)));
});

describe("adapters that the result cannot have been made of", () => {
  it("are named as lost", async () => {
    const audit = await audited(diagonal("m", { 0: 1 }), [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 }, "other.q")]);
    expect(foundIn(audit)).toContain("lost-adapter");
    expect(signature(audit, "lost-adapter").text).toBe(
      "b has none of the result's modules: pass the adapters that it was made of.",
    );
    expect(audit.good).toBe(false);
  });
});

describe("a rank that is too low", () => {
  it("is not mended by the same rank or a lower one", async () => {
    // Two modules: one of rank 1 for a sum of rank 2, and one of rank 3.
    const module = (places: readonly number[]) => ({
      A: places.map((at) => unit(at)),
      B: [0, 1, 2, 3].map((row) => places.map((at) => (row === at ? 1 : 0))),
    });
    const both = (name: string, q: readonly number[], k: readonly number[]) =>
      openPico(name, {
        modules: { "l.q": module(q), "l.k": module(k) },
        config: {
          r: q.length,
          lora_alpha: q.length,
          rank_pattern: { "l.k": k.length },
          alpha_pattern: { "l.k": k.length },
        },
      });
    const audit = await audited(both("m", [0], [0, 1, 2]), [both("a", [0, 1], [0]), both("b", [2], [1, 2])]);
    const { found } = signature(audit, "rank-too-low");
    expect([found, audit.rank, audit.rankForMost]).toEqual([true, 3, 3]);
    expect(audit.next[0]!.why).toMatch(/^Some modules have less than rank 3\. /);
    expect(fixesOf(audit)).toEqual([{ rank: 3 }]);
  });
});
