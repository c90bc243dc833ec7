import { describe, expect, it } from "vitest";
import type { UnitId } from "../../src/adapter/adapter.ts";
import { beganAlike } from "../../src/merge/began-alike.ts";

/** One module of clusters with these members, adapter and unit. */
const module = (...clusters: readonly (readonly UnitId[])[]) => ({
  clusters: clusters.map((members) => ({ members, reweight: 1 })),
});
const same = (unit: number): UnitId[] => [
  [0, unit],
  [1, unit],
];
const crossed = (unit: number): UnitId[] => [
  [0, unit],
  [1, (unit + 1) % 4],
];
const modules = (count: number, of: (unit: number) => UnitId[]) =>
  Array.from({ length: count }, () => module(of(0), of(1), of(2), of(3)));

describe("began-alike", () => {
  it("is said where clusters join units of the same number", () => {
    expect(beganAlike(modules(5, same))).toEqual([
      { id: "began-alike", text: expect.stringMatching(/^100% of the clusters that join adapters/) },
    ]);
    // Clusters of one adapter alone join nothing.
    expect(
      beganAlike([
        ...modules(5, same),
        module(
          [[0, 0]],
          [
            [0, 1],
            [0, 2],
          ],
        ),
      ]),
    ).toHaveLength(1);
  });

  it("is not said of 15 of 20, of too few, or of adapters with too few units", () => {
    expect(
      beganAlike([...modules(3, same), module(same(0), same(1), same(2), crossed(3)), ...modules(1, crossed)]),
    ).toEqual([]);
    expect(beganAlike([...modules(4, same), ...modules(1, crossed)])).toHaveLength(1);
    expect(beganAlike(modules(4, same))).toEqual([]);
    expect(beganAlike(Array.from({ length: 20 }, () => module(same(0), same(1), same(2))))).toEqual([]);
    expect(beganAlike([])).toEqual([]);
    expect(beganAlike([{ clusters: null }])).toEqual([]);
  });
});
