import { beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { byChance, type Rescale } from "../../src/methods/elementwise/by-chance.ts";
import { byMagnitude } from "../../src/methods/elementwise/by-magnitude.ts";
import type { Draws } from "../../src/methods/elementwise/draws.ts";
import { elected, mergeFactors, summed } from "../../src/methods/elementwise/merge-factors.ts";
import { pruneByMagnitude } from "../../src/methods/elementwise/sparsify.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { methodById } from "../../src/methods/registry.ts";
import { maskedDraws } from "../support/masked-draws.ts";
import { deltaOf, type Factors, poolOf, relativeDifference } from "../support/pools.ts";

/** The methods that merge factors of equal rank. */
const IDS = ["linear", "magnitude_prune", "ties", "dare_linear", "dare_ties", "robust_merge"];

const SCRATCH = 4 << 20;

let kernels: Kernels;
beforeAll(() => {
  kernels = wasmKernels();
});

async function mergedFactors(
  id: string,
  adapters: readonly Factors[],
  options: object = {},
  slab: number | null = null,
) {
  const method = methodById(id);
  const pool = await poolOf(kernels, adapters, false, slab, SCRATCH);
  const request = {
    rank: Number.POSITIVE_INFINITY,
    inputs: adapters.length,
    totalWeight: adapters.length,
    firstInput: 0,
  };
  const merged = await method.merge(pool, { ...request, options: { ...(defaultsOf(method) as object), ...options } });
  const rows = merged.rows ?? (await pool.combine(merged.combinations!));
  return { count: rows.count, a: [...rows.a], b: [...rows.b], delta: deltaOf(rows, pool.in, pool.out) };
}

async function delta(id: string, adapters: readonly Factors[], options: object = {}): Promise<number[][]> {
  return (await mergedFactors(id, adapters, options)).delta;
}

/** Small whole numbers: many entries are equal, some are zero. */
function smallIntegers(seed: number, rank: number): Factors {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.below(7) - 3));
  return { A: matrix(rank, 13), B: matrix(9, rank), scale: 1 + seed, weight: seed - 1.5 };
}

describe("linear", () => {
  it("combines A and B apart, with cross terms (worked by hand)", async () => {
    // a = (sqrt 4, -sqrt 1), b = (sqrt 4, sqrt 1): A = (2, -1), B = 2 * 2 + 1 = 5. The sum of the deltas would be (8, -1).
    const adapters = [
      { A: [[1, 0]], B: [[2]], scale: 4 },
      { A: [[0, 1]], B: [[1]], weight: -1 },
    ];
    expect(await delta("linear", adapters)).toEqual([[10, -5]]);
    // The sign of a scale belongs to A as that of a weight does.
    const turned = [adapters[0]!, { ...adapters[1]!, scale: -1, weight: 1 }];
    expect(await delta("linear", turned)).toEqual([[10, -5]]);
  });
});

describe("magnitude_prune", () => {
  it("keeps the largest of each factor, the first of equals as they are stored (worked by hand)", async () => {
    // A: two of the three 2s, row by row: (0, 2), (2, 0). B: 3, and of the 1s that in the first row of (out, rank).
    const adapter = {
      A: [
        [1, 2],
        [2, -2],
      ],
      B: [
        [3, 1],
        [1, 0],
      ],
    };
    expect(await delta("magnitude_prune", [adapter], { density: 0.5 })).toEqual([
      [2, 6],
      [0, 0],
    ]);
    // int(0.99 * 4) = 3 of each: all but the 1 of A, and all but the 0 of B.
    expect(await delta("magnitude_prune", [adapter], { density: 0.99 })).toEqual([
      [2, 4],
      [0, 2],
    ]);
    // int(0.2 * 4) = 0.
    expect((await delta("magnitude_prune", [adapter], { density: 0.2 })).flat()).toEqual([0, 0, 0, 0]);
  });
});

describe("byMagnitude", () => {
  it.each([0.05, 0.3, 0.5, 0.77])(
    "keeps what sorting the whole tensor keeps, in any slabs (density %d)",
    async (density) => {
      for (let seed = 0; seed < 20; seed++) {
        const adapter = { ...smallIntegers(seed, 5), scale: 1, weight: 1 };
        const [A, B] = [adapter.A, adapter.B].map((rows) => {
          const values = Float32Array.from(rows.flat());
          pruneByMagnitude(values, density);
          return rows.map((row, r) => [...values.subarray(r * row.length, (r + 1) * row.length)]);
        }) as [number[][], number[][]];
        for (const slab of [null, 4]) {
          const pool = await poolOf(kernels, [adapter], false, slab, SCRATCH);
          const { rows } = await mergeFactors(pool, byMagnitude(density), summed);
          expect([...rows!.a]).toEqual(A.flat());
          expect([...rows!.b]).toEqual(A.flatMap((_, i) => B.map((row) => row[i])));
        }
      }
    },
  );
});

describe("ties", () => {
  // A: 1 + 2 = +; -3 + 1 = -; 2 - 2 = 0 counts as +. B: 1 - 3 = -.
  const adapters = [
    { A: [[1, -3, 2]], B: [[1]] },
    { A: [[2, 1, -2]], B: [[-3]], weight: 4 },
  ];

  it("votes on A and B apart and averages those who agree (worked by hand)", async () => {
    // a = b = (1, 2): A = ((1 + 4) / 2, -3 / 1, 2 / 1), B = 2 * -3 / 1.
    expect(await delta("ties", adapters, { density: 1 })).toEqual([[-15, 18, -12]]);
  });

  it("takes weights into vote and divisor as mergekit does (worked by hand)", async () => {
    // A: 1 + 4: (1 + 4) / 3; -3 + 2: -3 / 1; 2 - 4: -4 / 2. B: 1 - 6: -6 / 2.
    const mergekit = { density: 1, consensus: "mergekit" };
    const expected = [[-5, 9, 6]];
    expect(relativeDifference(await delta("ties", adapters, mergekit), expected)).toBeLessThan(1e-6);
    // Added up: (5, -3, -4) times -6.
    const summed = { density: 1, consensus: "mergekit_sum" };
    expect(relativeDifference(await delta("ties", adapters, summed), [[-30, 18, 24]])).toBeLessThan(1e-6);
    // Scales are no weights: they do not cancel against the divisor.
    const scaled = adapters.map((adapter) => ({ ...adapter, scale: 4 }));
    const fourfold = [[-20, 36, 24]];
    expect(relativeDifference(await delta("ties", scaled, mergekit), fourfold)).toBeLessThan(1e-6);
    // A and B: (2 + 1) / 2, of units with sqrt s folded in.
    const apart = [4, 1].map((scale) => ({ A: [[1]], B: [[1]], scale }));
    expect(await delta("ties", apart, mergekit)).toEqual([[2.25]]);
  });

  it("elects by counting signs where told so", async () => {
    const three = [-5, 1, 2].map((x) => ({ A: [[x]], B: [[1]] }));
    expect(await delta("ties", three, { density: 1 })).toEqual([[-5]]);
    expect(await delta("ties", three, { density: 1, majority: "frequency" })).toEqual([[1.5]]);
  });
});

describe("dare", () => {
  /** Keeps the second entry of A and all of B. */
  const second = (tensor: number): Draws => maskedDraws((_, index) => tensor === 1 || index === 1);
  const masked = async (adapters: readonly Factors[], rescale: Rescale, rule = summed): Promise<number[][]> => {
    const pool = await poolOf(kernels, adapters, false, null, SCRATCH);
    const { rows } = await mergeFactors(pool, byChance(second, 0.5, rescale), rule);
    return deltaOf(rows!, pool.in, pool.out);
  };

  it("drops by the mask and rescales by the density, to the L1 norm, or not (worked by hand)", async () => {
    // A = (1, 2) loses the 1, B = 3 loses nothing: (0, 4) and 6; (0, 2 * 3 / 2) and 3; (0, 2) and 3.
    const adapter = { A: [[1, 2]], B: [[3]] };
    expect(await masked([adapter], "density")).toEqual([[0, 24]]);
    expect(await masked([adapter], "l1")).toEqual([[0, 9]]);
    expect(await masked([adapter], "none")).toEqual([[0, 6]]);
  });

  it("votes on what the masks leave (worked by hand)", async () => {
    // A: (0, 4) and (0, -2), kept twofold: 4 * 2 is elected. B: 3 * 2 and 1 * 2: their mean 4.
    const adapters = [
      { A: [[1, 4]], B: [[3]] },
      { A: [[5, -2]], B: [[1]] },
    ];
    expect(await masked(adapters, "density", elected({ majority: "total", consensus: "peft" }))).toEqual([[0, 32]]);
  });

  it("indexes masks by the tensors as they are stored, in any slabs", async () => {
    const adapter = { ...smallIntegers(1, 4), scale: 1, weight: 1 };
    const seen = [new Set<number>(), new Set<number>()];
    const third = (tensor: number): Draws =>
      maskedDraws((_, index) => {
        seen[tensor]!.add(index);
        return index % 3 === 0;
      });
    for (const slab of [null, 4]) {
      const pool = await poolOf(kernels, [adapter], false, slab, SCRATCH);
      const { rows } = await mergeFactors(pool, byChance(third, 1, "none"), summed);
      expect([...rows!.a]).toEqual(adapter.A.flat().map((x, index) => (index % 3 === 0 ? x : 0)));
      const stored = adapter.B.flat().map((x, index) => (index % 3 === 0 ? x : 0));
      expect([...rows!.b]).toEqual(Array.from({ length: 36 }, (_, x) => stored[(x % 9) * 4 + Math.floor(x / 9)]));
    }
    expect(seen.map(({ size }) => size)).toEqual([4 * 13, 9 * 4]);
  });

  it.each(["dare_linear", "dare_ties"])("draws %s anew for another seed, and the same for the same", async (id) => {
    const adapters = [smallIntegers(2, 4), smallIntegers(3, 4)];
    const first = await delta(id, adapters, { seed: 1 });
    expect(await delta(id, adapters, { seed: 1 })).toEqual(first);
    expect(await delta(id, adapters, { seed: 2 })).not.toEqual(first);
  });
});

describe("robust_merge", () => {
  it("gives B back what A lost, relative to the other adapters (worked by hand)", async () => {
    // A~ = (3, 0) and (0, 2): s = 4/3 and 3/2, over their mean 17/12: 16/17 and 18/17. B~ = (17, 0) and (0, 34).
    // A = (3, 2), B = (16, 36).
    const adapters = [
      { A: [[3, 1]], B: [[17], [1]] },
      { A: [[1, 2]], B: [[2], [34]] },
    ];
    const expected = [
      [48, 32],
      [108, 72],
    ];
    expect(relativeDifference(await delta("robust_merge", adapters, { density: 0.5 }), expected)).toBeLessThan(1e-6);
  });

  it("leaves out units of which pruning leaves nothing", async () => {
    // Unit 1 of the first adapter is pruned away, so that of the second alone has s = 1: B = (0, 2) there.
    const adapters = [
      {
        A: [
          [4, 3],
          [1, 1],
        ],
        B: [[1, 5]],
      },
      {
        A: [
          [0, 1],
          [3, 2],
        ],
        B: [[1, 2]],
      },
    ];
    // A~ = (4, 3) and (3, 2) in units 0 and 1; int(0.5 * 2) = 1 entry of B: 5 of the first (its s is 0), 2 of the second.
    expect(await delta("robust_merge", adapters, { density: 0.5 })).toEqual([[6, 4]]);
  });
});

describe.each(IDS)("%s", (id) => {
  it("gives the same bits in any slabs of columns", async () => {
    const adapters = [2, 3, 4].map((seed) => smallIntegers(seed, 6));
    const options = id.startsWith("dare") ? { rescale: "l1" } : {};
    expect(await mergedFactors(id, adapters, options, 4)).toEqual(await mergedFactors(id, adapters, options));
  });

  it("takes dead units as zero in both halves, but counts their entries", async () => {
    const dead = smallIntegers(2, 4);
    const halfDead = { ...dead, B: dead.B.map((row) => row.map((x, i) => (i === 2 ? 0 : x))) };
    const allDead = { ...halfDead, A: halfDead.A.map((row, i) => row.map((x) => (i === 2 ? 0 : x))) };
    const other = smallIntegers(3, 4);
    expect(await mergedFactors(id, [halfDead, other])).toEqual(await mergedFactors(id, [allDead, other]));
  });

  it("drops units that are dead in all adapters, and keeps finite where nothing is live", async () => {
    const zeroed = (adapter: Factors, keep: number): Factors => ({
      ...adapter,
      B: adapter.B.map((row) => row.map((x, i) => (i < keep ? x : 0))),
    });
    const adapters = [smallIntegers(2, 4), smallIntegers(3, 4)];
    const partly = await mergedFactors(id, [zeroed(adapters[0]!, 1), zeroed(adapters[1]!, 3)]);
    expect(partly.count).toBe(3);
    const nothing = adapters.map((adapter) => zeroed(adapter, 0));
    expect((await mergedFactors(id, nothing)).count).toBe(0);
  });
});
