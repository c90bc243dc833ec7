import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { clusterPoints } from "../../src/linalg/cluster.ts";
import { kMeansPair } from "../../src/linalg/k-means.ts";
import { medoidPartition } from "../../src/linalg/k-medoids.ts";
import type { GramPoints, Partition } from "../../src/linalg/points.ts";
import { cutTree, wardTree } from "../../src/linalg/ward.ts";

/** Points by their coordinates, as clustering gets them. */
function gramPoints(rows: readonly (readonly number[])[], weights = rows.map(() => 1), line = false): GramPoints {
  const gram = Float64Array.from(rows.flatMap((p) => rows.map((q) => p.reduce((sum, x, i) => sum + x * q[i]!, 0))));
  return { count: rows.length, gram, weights: Float64Array.from(weights), line };
}

/** sum of w |x - mean|^2 by coordinates, members sign-aligned. */
function objective(
  rows: readonly (readonly number[])[],
  weights: readonly number[],
  { k, labels, signs }: Partition,
): number {
  let total = 0;
  for (let c = 0; c < k; c++) {
    const own = [...rows.keys()].filter((i) => labels[i] === c);
    const mass = own.reduce((sum, i) => sum + weights[i]!, 0);
    const mean = rows[0]!.map((_, x) => own.reduce((sum, i) => sum + weights[i]! * signs[i]! * rows[i]![x]!, 0) / mass);
    for (const i of own)
      total += weights[i]! * rows[i]!.reduce((sum, value, x) => sum + (signs[i]! * value - mean[x]!) ** 2, 0);
  }
  return total;
}

/** All partitions of n points into exactly k clusters, as labels. */
function* partitions(n: number, k: number, labels: number[] = [], used = 0): Generator<number[]> {
  if (labels.length === n) {
    if (used === k) yield labels;
    return;
  }
  for (let c = 0; c <= Math.min(used, k - 1); c++) yield* partitions(n, k, [...labels, c], Math.max(used, c + 1));
}

function randomRows(seed: number, count: number, size: number): number[][] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: size }, () => Math.round(20 * (random.uniform() - 0.5))),
  );
}

const cases = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  n: fc.integer({ min: 2, max: 8 }),
  line: fc.boolean(),
});

describe("wardTree", () => {
  it("merges the two nearest points first, then by the growth of squares (worked by hand)", () => {
    // 0 and 1 cost 1/2; 10 and 12 cost 2; {0, 1} and {10, 12} cost 2*2/4 * 10.5^2.
    const tree = wardTree(gramPoints([[0], [10], [1], [12]]));
    expect([...tree.first]).toEqual([0, 1, 0]);
    expect([...tree.second]).toEqual([2, 3, 1]);
    expect([...cutTree(tree, 2).labels]).toEqual([0, 1, 0, 1]);
    expect([...cutTree(tree, 4).labels]).toEqual([0, 1, 2, 3]);
  });

  it("turns opposite points of a line towards each other", () => {
    const partition = cutTree(
      wardTree(
        gramPoints(
          [
            [3, 0],
            [0, 5],
            [-3, 0.1],
          ],
          [1, 1, 1],
          true,
        ),
      ),
      2,
    );
    expect([...partition.labels]).toEqual([0, 1, 0]);
    expect(partition.signs[0]! * partition.signs[2]!).toBe(-1);
  });

  it("gives exactly k clusters for every k", () => {
    fc.assert(
      fc.property(cases, ({ seed, n, line }) => {
        const tree = wardTree(gramPoints(randomRows(seed, n, 3), undefined, line));
        for (let k = 1; k <= n; k++) expect(new Set(cutTree(tree, k).labels).size).toBe(k);
      }),
    );
  });
});

/** Each time the two clusters whose union costs least, among all pairs and both signs, by coordinates. */
function slowTree(rows: readonly (readonly number[])[], weights: readonly number[], line: boolean) {
  const clusters = new Map(rows.map((mean, i) => [i, { mean: [...mean], mass: weights[i]! }]));
  const merges: { first: number; second: number; turn: number }[] = [];
  while (clusters.size > 1) {
    let best = { cost: Number.POSITIVE_INFINITY, first: 0, second: 0, turn: 1 };
    for (const [first, one] of clusters) {
      for (const [second, other] of clusters) {
        if (second <= first) continue;
        for (const turn of line ? [1, -1] : [1]) {
          const apart = one.mean.reduce((sum, x, at) => sum + (x - turn * other.mean[at]!) ** 2, 0);
          const cost = ((one.mass * other.mass) / (one.mass + other.mass)) * apart;
          if (cost < best.cost) best = { cost, first, second, turn };
        }
      }
    }
    const { first, second, turn } = best;
    const [one, other] = [clusters.get(first)!, clusters.get(second)!];
    const mass = one.mass + other.mass;
    one.mean = one.mean.map((x, at) => (one.mass * x + turn * other.mass * other.mean[at]!) / mass);
    one.mass = mass;
    clusters.delete(second);
    merges.push({ first, second, turn });
  }
  return merges;
}

/** Points without ties, odd and even numbers of them. */
const largeCases = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  n: fc.integer({ min: 9, max: 40 }),
  line: fc.boolean(),
});

function scattered(seed: number, n: number) {
  const random = seededRandom(seed);
  const rows = Array.from({ length: n }, () => Array.from({ length: 5 }, () => random.uniform() - 0.5));
  return { random, rows, weights: rows.map(() => 1 + random.below(3)) };
}

describe("wardTree of more points", () => {
  it("joins what a search over all pairs joins", () => {
    fc.assert(
      fc.property(largeCases, ({ seed, n, line }) => {
        const { rows, weights } = scattered(seed, n);
        const { first, second, turn } = wardTree(gramPoints(rows, weights, line));
        const found = Array.from(first, (c, m) => ({ first: c, second: second[m]!, turn: turn[m]! }));
        expect(found).toEqual(slowTree(rows, weights, line));
      }),
      { numRuns: 40 },
    );
  });
});

describe("a state of k-means", () => {
  it("stays what its partition says through moves and swaps, and says what a swap costs", () => {
    fc.assert(
      fc.property(largeCases, ({ seed, n, line }) => {
        const { random, rows, weights } = scattered(seed, n);
        const k = 2 + random.below(5);
        const points = gramPoints(rows, weights, line);
        const squares = rows.reduce((sum, row, i) => sum + weights[i]! * row.reduce((all, x) => all + x * x, 0), 0);
        const [state, other] = kMeansPair(points, k);
        const labels = Int32Array.from(rows, (_, i) => (i < k ? i : random.below(k)));
        state.assign({ labels, signs: new Int8Array(n).fill(1) });
        for (let round = 0; round < 4; round++) {
          other.copy(state);
          state.settle();
          const before = state.objective;
          expect(before).toBeLessThanOrEqual(other.objective + 1e-12);
          const partition = { k, labels: Int32Array.from(state.labels), signs: Int8Array.from(state.signs) };
          expect(squares + before).toBeCloseTo(objective(rows, weights, partition), 9);
          const found = slowTerms(rows, weights, line, partition);
          const { loss, gain } = state.swapTerms();
          for (const [c, value] of found.loss.entries()) expect(loss[c]).toBeCloseTo(value, 9);
          for (const [i, value] of found.gain.entries()) expect(gain[i]).toBeCloseTo(value, 9);
          const free = rows.map((_, i) => i).filter((i) => state.companions(i) > 1);
          state.swap(random.below(k), free[random.below(free.length)]!);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("ends, with no cluster empty, where distances are not numbers", () => {
    const points = { ...gramPoints(randomRows(3, 9, 3)), gram: new Float64Array(81).fill(Number.NaN) };
    expect(new Set(clusterPoints(points, 4, 1, 0).labels).size).toBe(4);
  });
});

/** The halves of all swaps by coordinates. */
function slowTerms(
  rows: readonly (readonly number[])[],
  weights: readonly number[],
  line: boolean,
  { k, labels, signs }: Partition,
) {
  const apart = (p: readonly number[], q: readonly number[]): number => {
    const to = (sign: number): number => p.reduce((sum, x, at) => sum + (x - sign * q[at]!) ** 2, 0);
    return line ? Math.min(to(1), to(-1)) : to(1);
  };
  const means = Array.from({ length: k }, (_, c) => {
    const own = [...rows.keys()].filter((i) => labels[i] === c);
    const mass = own.reduce((sum, i) => sum + weights[i]!, 0);
    return rows[0]!.map((_, x) => own.reduce((sum, i) => sum + weights[i]! * signs[i]! * rows[i]![x]!, 0) / mass);
  });
  const own = rows.map((row, i) => apart(row, means[labels[i]!]!));
  const loss = new Array<number>(k).fill(0);
  for (const [i, row] of rows.entries()) {
    const second = Math.min(...means.filter((_, c) => c !== labels[i]).map((mean) => apart(row, mean)));
    loss[labels[i]!]! += weights[i]! * (second - own[i]!);
  }
  const gain = rows.map((seed) =>
    rows.reduce((sum, row, i) => sum + weights[i]! * Math.max(0, own[i]! - apart(row, seed)), 0),
  );
  return { loss, gain };
}

describe("clusterPoints", () => {
  it("finds the best of all partitions of small sets, weighted and for lines", () => {
    let optimal = 0;
    let tried = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = seededRandom(1000 + seed);
      const n = 4 + random.below(4);
      const k = 2 + random.below(n - 2);
      const line = seed % 3 === 0;
      const rows = randomRows(seed, n, 3);
      const weights = rows.map(() => 1 + random.below(4));
      const found = clusterPoints(gramPoints(rows, weights, line), k, 1, 0);
      const signSets = line
        ? Array.from({ length: 2 ** n }, (_, bits) => Int8Array.from(rows, (_row, i) => ((bits >> i) & 1 ? -1 : 1)))
        : [found.signs];
      let best = Number.POSITIVE_INFINITY;
      for (const labels of partitions(n, k)) {
        for (const signs of signSets)
          best = Math.min(best, objective(rows, weights, { k, labels: Int32Array.from(labels), signs }));
      }
      tried++;
      if (objective(rows, weights, found) <= best * (1 + 1e-9) + 1e-9) optimal++;
    }
    expect(optimal).toBe(tried);
  });

  it("leaves no cluster empty, numbers clusters by their first point, and repeats itself", () => {
    fc.assert(
      fc.property(cases, ({ seed, n, line }) => {
        const points = gramPoints(randomRows(seed, n, 2), undefined, line);
        for (let k = 1; k <= n; k++) {
          const one = clusterPoints(points, k, 1, seed);
          expect([...new Set(one.labels)]).toEqual(Array.from({ length: k }, (_, c) => c));
          expect(clusterPoints(points, k, 1, seed)).toEqual(one);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("no single move improves what it returns", () => {
    fc.assert(
      fc.property(cases, ({ seed, n }) => {
        const rows = randomRows(seed, n + 4, 3);
        const weights = rows.map(() => 1);
        const k = 3;
        const found = clusterPoints(gramPoints(rows), k, 0, 0);
        const value = objective(rows, weights, found);
        for (const [i, from] of found.labels.entries()) {
          if (found.labels.filter((c) => c === from).length === 1) continue;
          for (let c = 0; c < k; c++) {
            const moved = { ...found, labels: found.labels.with(i, c) };
            expect(objective(rows, weights, moved)).toBeGreaterThanOrEqual(value * (1 - 1e-8) - 1e-9);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("medoidPartition", () => {
  it("finds the best medoids of all sets", () => {
    for (let seed = 0; seed < 40; seed++) {
      const rows = randomRows(seed, 7, 2);
      const weights = Float64Array.from(rows, (_, i) => 1 + (i % 3));
      const distances = Float64Array.from(
        rows.flatMap((p) => rows.map((q) => Math.abs(p[0]! - q[0]!) + Math.abs(p[1]! - q[1]!))),
      );
      const cost = (medoids: readonly number[]): number =>
        rows.reduce((sum, _, i) => sum + weights[i]! * Math.min(...medoids.map((m) => distances[m * 7 + i]!)), 0);
      let best = Number.POSITIVE_INFINITY;
      for (let p = 0; p < 7; p++)
        for (let q = 0; q < p; q++) for (let r = 0; r < q; r++) best = Math.min(best, cost([p, q, r]));
      const found = medoidPartition(distances, weights, 3, 1, 0);
      expect(found.objective).toBeCloseTo(best, 9);
      expect(cost(found.medoids)).toBeCloseTo(best, 9);
    }
  });

  it("keeps points at distance 0 in clusters of their own when asked for as many", () => {
    expect([...medoidPartition(new Float64Array(9), Float64Array.of(1, 1, 1), 3, 1, 0).labels]).toEqual([0, 1, 2]);
  });
});
