import { describe, expect, it } from "vitest";
import type { LegoOptions } from "../../src/methods/lego/options.ts";
import type { PicoModule } from "../support/pico.ts";
import { CAT, four, LEGO, open, RANK_1, report, right, three, unit } from "../support/right-angles.ts";

/** Numbers as near as f32 arithmetic brings them. */
function near(found: number | null, expected: number): void {
  expect(found).not.toBeNull();
  expect(Math.abs(found! - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
}

describe("figures of a module", () => {
  it("of a sum of two deltas at right angles, by hand", async () => {
    const { modules, totals } = await report(await right(), CAT);
    for (const { normRatio, cosines, energy } of [modules[0]!, totals]) {
      // |sum| = 5, the mean norm 3.5; <sum, D_0> = 9 = |sum| 3 cos.
      near(normRatio, 5 / 3.5);
      near(cosines[0]!, 9 / 15);
      near(cosines[1]!, 16 / 20);
      near(energy, 1);
    }
    expect(modules[0]).toMatchObject({ rank: 2, inertia: null, shareOfB: null, clusters: null });
  });

  it("of a dense delta that was cut: residual, by hand, over all modules too", async () => {
    const dense = async (name: string, delta: PicoModule) =>
      open(name, { p: delta, q: three }, { r: 2, rank_pattern: { q: 1 }, alpha_pattern: { q: 2 }, lora_alpha: 2 });
    // p: diag(3, 4), cut to 4: 3 of 5 is lost. q: rank 1, nothing is lost. Over both: 3 of sqrt(25 + 36), as q has alpha / r = 2.
    const diagonal = {
      A: [
        [3, 0],
        [0, 4],
      ],
      B: [
        [1, 0],
        [0, 1],
      ],
    };
    const { modules, totals } = await report([await dense("one", diagonal)], {
      ...RANK_1,
      method: "ties_svd",
      options: { density: 1 },
    });
    near(modules[0]!.residual, 3 / 5);
    expect(modules[1]!.residual).toBeLessThan(1e-6);
    near(totals.residual, 3 / Math.sqrt(25 + 36));
    expect((await report(await right(), CAT)).totals.residual).toBeNull();
    const zero = await open("zero", { q: unit([1, 1], [0, 0]) });
    expect((await report([zero], { ...RANK_1, method: "ties_svd" })).totals.residual).toBe(0);
  });

  it("of a weighted sum: energy is with the weighted sum of the inputs", async () => {
    const { modules } = await report(await right(), { ...CAT, weights: [2, -1] });
    // 2 D_0 - D_1 has the norm sqrt(36 + 16).
    const norm = Math.sqrt(52);
    near(modules[0]!.normRatio, norm / 3.5);
    near(modules[0]!.cosines[0]!, 18 / (3 * norm));
    near(modules[0]!.cosines[1]!, -16 / (4 * norm));
    near(modules[0]!.energy, 1);
  });

  it("of one lego cluster, by hand", async () => {
    const { modules, totals } = await report(await right(), RANK_1);
    // Centre (1.5, 2 | 0.5, 0.5), its largest entry 2, the members' 3 and 4: times 1.75. Then a = (2.625, 3.5) and
    // b = (0.875, 0.875), so that <delta, D_0> = 0.875 * 2.625 * 3, and for D_1 0.875 * 3.5 * 4.
    const norm = Math.sqrt((2.625 ** 2 + 3.5 ** 2) * 2 * 0.875 ** 2);
    const [first, second] = [0.875 * 2.625 * 3, 0.875 * 3.5 * 4];
    for (const { normRatio, cosines, energy, inertia, shareOfB } of [modules[0]!, totals]) {
      near(normRatio, norm / 3.5);
      near(cosines[0]!, first / (norm * 3));
      near(cosines[1]!, second / (norm * 4));
      near(energy, ((first + second) / (norm * 5)) ** 2);
      // Each unit is (1.5, 2 | 0.5, 0.5) away from the centre.
      near(inertia, 2 * (2.25 + 4 + 0.25 + 0.25));
      near(shareOfB, 2 / 27);
    }
    expect(modules[0]!.rank).toBe(1);
    expect(modules[0]!.clusters).toEqual([
      {
        members: [
          [0, 0],
          [1, 0],
        ],
        reweight: expect.closeTo(1.75, 6),
      },
    ]);
    expect(totals).toMatchObject({ modules: 1, rank: 1, dtype: "f32", singles: 0, largestCluster: 2 });
  });

  it("count a scale that all inputs share, whether it is left out of the factors or folded in", async () => {
    // Scale 2 stays beside the factors; 2.25 is no whole alpha and is folded in.
    for (const scale of [2, 2.25]) {
      const { modules } = await report(await right({ lora_alpha: scale }), RANK_1);
      const plain = (await report(await right(), RANK_1)).modules[0]!;
      near(modules[0]!.inertia, scale * plain.inertia!);
      near(modules[0]!.normRatio, plain.normRatio!);
      near(modules[0]!.cosines[0]!, plain.cosines[0]!);
      near(modules[0]!.energy, plain.energy!);
      near(modules[0]!.shareOfB, plain.shareOfB!);
    }
  });

  it.each([
    ["euclidean", 4],
    ["delta", 16],
    ["manhattan", 2],
    ["transport", 4],
    ["cosine", 1],
  ])("count inertia by %s in the units' own size: a shared scale of 4 multiplies it by %d", async (metric, factor) => {
    const options = { metric } as Partial<LegoOptions>;
    const inertia = async (scale: number) =>
      (await report(await right({ lora_alpha: scale }), { ...RANK_1, options })).modules[0]!.inertia!;
    near(await inertia(4), factor * (await inertia(1)));
    // 4.5 is no whole alpha and is folded in.
    near(await inertia(4.5), 4.5 ** Math.log2(Math.sqrt(factor)) * (await inertia(1)));
  });

  it("warn of units that become zero in a small type, and of modules that are zero everywhere", async () => {
    const faint = unit([1e-9, 0], [1, 0]);
    const nothing = unit([1, 1], [0, 0]);
    const { warnings } = await report([await open("a", { q: faint, z: nothing })], { ...LEGO, dtype: "f16" });
    const texts = new Map(warnings.map(({ id, text }) => [id, text]));
    expect(texts.get("underflow")).toMatch(/^1 units are too small for f16/);
    expect(texts.get("zero-modules")).toMatch(/^1 of 2 modules change nothing/);
    const bf16 = await report([await open("a", { q: faint })], { ...LEGO, dtype: "bf16" });
    expect(bf16.warnings).toEqual([]);
  });

  it("see differing scales of the inputs", async () => {
    const adapters = [
      await open("three", { q: three }, { lora_alpha: 2 }),
      await open("four", { q: four }, { lora_alpha: -0.5 }),
    ];
    const { modules } = await report(adapters, CAT);
    // Deltas of norm 6 and 2 now.
    near(modules[0]!.normRatio, Math.sqrt(40) / 4);
    near(modules[0]!.cosines[0]!, 6 / Math.sqrt(40));
    near(modules[0]!.cosines[1]!, 2 / Math.sqrt(40));
  });

  it("see lambda, which scales the merged delta alone", async () => {
    const { modules, totals } = await report(await right(), { ...CAT, scale: -0.5 });
    for (const { normRatio, cosines, energy } of [modules[0]!, totals]) {
      near(normRatio, 2.5 / 3.5);
      near(cosines[0]!, -9 / 15);
      near(energy, 1);
    }
  });

  it("are null where they are not defined", async () => {
    const adapters = [
      await open("one", { q: three, k: three, zero: unit([1, 1], [0, 0]) }),
      await open("two", { q: unit([1, 1], [0, 0]), zero: unit([1, 1], [0, 0]) }),
    ];
    const { modules, totals } = await report(adapters, CAT);
    const [k, q, zero] = modules as [(typeof modules)[0], (typeof modules)[0], (typeof modules)[0]];
    expect(k).toMatchObject({ name: "k", inputRanks: [1, null], rank: 1, normRatio: 1, cosines: [1, null], energy: 1 });
    expect(q).toMatchObject({ name: "q", inputRanks: [1, 1], rank: 1, normRatio: 1, cosines: [1, null], energy: 1 });
    expect(q.dead).toEqual([[1, 0]]);
    const nothing = { rank: 0, normRatio: null, cosines: [null, null], energy: null };
    expect(zero).toMatchObject({ name: "zero", inputRanks: [1, 1], ...nothing });
    expect(zero.dead).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(totals).toMatchObject({ normRatio: 1, cosines: [1, null], energy: 1 });
  });

  it("of a result that cancels are 0 and null", async () => {
    const adapters = [await open("one", { q: three }), await open("same", { q: three })];
    const { modules } = await report(adapters, { ...CAT, weights: [1, -1] });
    expect(modules[0]).toMatchObject({ normRatio: 0, cosines: [null, null], energy: null });
  });

  it("are those of the whole adapters in the totals: products add up over modules", async () => {
    const adapters = [
      await open("one", { q: three, k: unit([4, 0], [1, 0]) }),
      await open("two", { q: unit([6, 0], [1, 0]), k: unit([0, 8], [0, 1]) }),
    ];
    const { modules, totals } = await report(adapters, CAT);
    // Norms 5 and 10; the sum is 9 in q and (4, 8) in k.
    const norm = Math.sqrt(81 + 16 + 64);
    near(totals.normRatio, norm / 7.5);
    near(totals.cosines[0]!, (3 * 9 + 16) / (5 * norm));
    near(totals.cosines[1]!, (6 * 9 + 64) / (10 * norm));
    near(modules[1]!.cosines[0]!, 1);
    expect(totals.modules).toBe(2);
  });

  it("add inertia up, average B's share, and count single clusters over modules", async () => {
    const adapters = [
      await open(
        "one",
        {
          k: three,
          q: {
            A: [
              [3, 0],
              [30, 0],
            ],
            B: [
              [1, 0],
              [0, 1],
            ],
          },
        },
        { rank_pattern: { q: 2 }, alpha_pattern: { q: 2 } },
      ),
      await open("two", { k: four, q: unit([3, 1], [1, 0]) }),
    ];
    const { modules, totals } = await report(adapters, {
      ...LEGO,
      rankLayout: "pattern",
      target: { kind: "rank", rank: 2 },
    });
    expect(modules.map(({ clusters }) => clusters!.map(({ members }) => members.length).sort())).toEqual([
      [1, 1],
      [1, 2],
    ]);
    expect(totals.singles).toBe(3 / 4);
    expect(totals.largestCluster).toBe(2);
    near(totals.inertia, modules[0]!.inertia! + modules[1]!.inertia!);
    near(modules[1]!.inertia, 0.5);
    // 2 / 27 in k; in q b is 3 of 9 + 900 + 10 and those 3.
    near(totals.shareOfB, (2 / 27 + 3 / 922) / 2);
  });

  it("leave modules without live units out of B's share", async () => {
    const zero = unit([1, 1], [0, 0]);
    const adapters = [await open("one", { k: three, z: zero }), await open("two", { k: four, z: zero })];
    const { modules, totals } = await report(adapters, RANK_1);
    expect(modules[1]!.shareOfB).toBeNull();
    near(totals.shareOfB, 2 / 27);
  });
});
