import fc from "fast-check";
import { expect, it } from "vitest";
import { convexHull, type Point } from "../../src/analysis/hull.ts";

it("goes around a square once, leaving out what lies inside or on an edge", () => {
  const square: Point[] = [
    [0, 0],
    [2, 0],
    [2, 2],
    [0, 2],
  ];
  expect(convexHull([...square, [1, 1], [1, 0], [2, 1]])).toEqual(square);
});

it("gives one or two points as they are", () => {
  expect(convexHull([])).toEqual([]);
  expect(convexHull([[3, 4]])).toEqual([[3, 4]]);
  expect(
    convexHull([
      [3, 4],
      [1, 2],
    ]),
  ).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

it("leaves no point outside", () => {
  const coordinate = fc.integer({ min: -50, max: 50 });
  fc.assert(
    fc.property(fc.array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 40 }), (points) => {
      const hull = convexHull(points);
      for (const [i, a] of hull.entries()) {
        const b = hull[(i + 1) % hull.length]!;
        for (const p of points) {
          expect((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])).toBeGreaterThanOrEqual(0);
        }
      }
    }),
  );
});
