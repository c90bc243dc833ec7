import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { cmaEs } from "../../../src/evaluate/tune/cma-es.ts";

const sphere = (x: Float64Array): number => x.reduce((sum, value) => sum + value ** 2, 0);
const ellipsoid = (x: Float64Array): number =>
  x.reduce((sum, value, i) => sum + 10 ** ((6 * i) / (x.length - 1)) * value ** 2, 0);
const rosenbrock = (x: Float64Array): number =>
  x.reduce((sum, value, i) => (i === 0 ? 0 : sum + 100 * (x[i - 1]! ** 2 - value) ** 2 + (x[i - 1]! - 1) ** 2), 0);

/** How many values a search needs to come below `goal`. */
function evaluations(of: (x: Float64Array) => number, start: number[], seed: number, goal = 1e-8): number {
  const search = cmaEs(start, 0.5, seededRandom(seed));
  for (let count = 0; count < 20_000; ) {
    const points = search.ask();
    const values = points.map(of);
    count += points.length;
    if (Math.min(...values) < goal) return count;
    search.tell(values);
  }
  return Number.POSITIVE_INFINITY;
}

const medianOf = (counts: number[]): number => counts.toSorted((p, q) => p - q)[Math.floor(counts.length / 2)]!;
const seeds = Array.from({ length: 11 }, (_, i) => i + 1);

describe("CMA-ES", () => {
  // Medians of eleven seeds of pycma 4.4.4 without negative weights (CMA_active false), the author's own implementation.
  it.each([
    ["the sphere in 10 dimensions", sphere, new Array(10).fill(0.5), 1230],
    ["an ellipsoid of condition 1e6 in 10 dimensions", ellipsoid, new Array(10).fill(0.5), 5490],
    ["Rosenbrock's valley in 5 dimensions", rosenbrock, new Array(5).fill(0), 1920],
  ] as const)("needs as many values as the author's implementation for %s", (_, of, start, theirs) => {
    const ours = medianOf(seeds.map((seed) => evaluations(of, [...start], seed)));
    expect(ours).toBeGreaterThan(0.75 * theirs);
    expect(ours).toBeLessThan(1.25 * theirs);
  });

  it("finds the minimum of one number, and does not care about an added constant or a stretched scale of values", () => {
    expect(evaluations(sphere, [3], 1)).toBeLessThan(300);
    const points = (of: (x: Float64Array) => number): number[] => {
      const search = cmaEs([1, 1, 1], 0.5, seededRandom(7));
      for (let i = 0; i < 10; i++) search.tell(search.ask().map(of));
      return search.ask().flatMap((point) => [...point]);
    };
    expect(points((x) => Math.exp(sphere(x)) - 5)).toEqual(points(sphere));
  });

  it("asks for the same points for the same seed", () => {
    const first = (seed: number): number[][] =>
      cmaEs([0, 0], 1, seededRandom(seed))
        .ask()
        .map((point) => [...point]);
    expect(first(3)).toEqual(first(3));
    expect(first(3)).not.toEqual(first(4));
  });

  it("samples around the start with the step it was given", () => {
    const samples = seeds.flatMap((seed) => cmaEs([5, -5], 2, seededRandom(seed)).ask());
    const off = samples.flatMap(([x, y]) => [x! - 5, y! + 5]);
    const mean = off.reduce((sum, value) => sum + value, 0) / off.length;
    const deviation = Math.sqrt(off.reduce((sum, value) => sum + value ** 2, 0) / off.length);
    expect(Math.abs(mean)).toBeLessThan(0.4);
    expect(Math.abs(deviation - 2)).toBeLessThan(0.3);
  });
});
