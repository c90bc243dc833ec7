import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { clusterPoints } from "../../src/linalg/cluster.ts";
import type { GramPoints } from "../../src/linalg/points.ts";
import { transportPartition } from "../../src/linalg/transport.ts";

function onALine(places: readonly number[], weights = places.map(() => 1), line = false): GramPoints {
  const gram = Float64Array.from(places.flatMap((p) => places.map((q) => p * q)));
  return { count: places.length, gram, weights: Float64Array.from(weights), line };
}

describe("transportPartition", () => {
  it("gives clusters like masses where k-means gives one point its own (worked by hand)", () => {
    // Squares: {0 1 2} {10} cost 2; {0 1} {2 10} cost 32.5, but two points each.
    const points = onALine([0, 1, 2, 10]);
    expect([...clusterPoints(points, 2, 1, 0).labels]).toEqual([0, 0, 0, 1]);
    expect([...transportPartition(points, 2, 1, 0).labels]).toEqual([0, 0, 1, 1]);
    // Where the far point weighs as much as the others, it is half of the mass by itself.
    expect([...transportPartition(onALine([0, 1, 2, 10], [1, 1, 1, 3]), 2, 1, 0).labels]).toEqual([0, 0, 0, 1]);
  });

  it("takes points and their negatives as one where they are lines", () => {
    const { labels, signs } = transportPartition(onALine([5, -5.1, 1, -1.1], undefined, true), 2, 1, 0);
    expect([...labels]).toEqual([0, 0, 1, 1]);
    expect(signs[0]! * signs[1]!).toBe(-1);
    expect(signs[2]! * signs[3]!).toBe(-1);
  });

  it("fills exactly k clusters, alike for points that are scaled", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 2, max: 12 }), (seed, n) => {
        const random = seededRandom(seed);
        const places = Array.from({ length: n }, () => random.uniform() - 0.5);
        const k = 1 + random.below(n);
        const { labels } = transportPartition(onALine(places), k, 1, 0);
        expect(new Set(labels).size).toBe(k);
        expect([...labels]).toEqual([...transportPartition(onALine(places.map((x) => 1024 * x)), k, 1, 0).labels]);
      }),
      { numRuns: 100 },
    );
  });
});
