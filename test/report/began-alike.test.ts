import { describe, expect, it } from "vitest";
import type { UnitId } from "../../src/adapter/adapter.ts";
import { beganAlike } from "../../src/report/began-alike.ts";
import { FIXES } from "../../src/report/fixes.ts";

type Cluster = readonly UnitId[];

const module = (...clusters: readonly Cluster[]) => ({ clusters: clusters.map((members) => ({ members })) });
/** Units of three adapters: of one number, and the last one's of another. */
const same = (unit: number): Cluster => [0, 1, 2].map((input): UnitId => [input, unit]);
const crossed = (unit: number): Cluster => [...same(unit).slice(0, 2), [2, (unit + 1) % 4]];
const four = (of: (unit: number) => Cluster) => module(of(0), of(1), of(2), of(3));
/** Twice the rank of four units. */
const RANK = 8;
const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

describe("began-alike", () => {
  it("is said where clusters join units of the same number, with the rank for adapters of one seed", () => {
    const [found] = beganAlike(times(5, four(same)), RANK);
    expect(found!.id).toBe("began-alike");
    expect(found!.text).toMatch(/^100% of the clusters that join adapters/);
    expect(found!.text).toContain("a larger rank, such as 8, keeps more of each.");
    expect(found!.fix).toEqual(FIXES.rankOfOneSeed(8));
  });

  it("counts the units of merges as large as they come", () => {
    expect(beganAlike(times(60_000, four(same)), RANK)).toHaveLength(1);
  });

  it("leaves clusters of one adapter alone out of account", () => {
    const alone: Cluster = [
      [0, 1],
      [0, 2],
    ];
    expect(beganAlike([...times(5, four(same)), ...times(9, module(alone))], RANK)).toHaveLength(1);
  });

  it("is not said at that rank", () => {
    expect(beganAlike(times(5, four(same)), 5)).toHaveLength(1);
    expect(beganAlike(times(5, four(same)), 4)).toEqual([]);
  });

  it("is not said of 15 of 20, of too few, or of adapters with too few units", () => {
    const three = module(same(0), same(1), same(2), crossed(3));
    expect(beganAlike([...times(3, four(same)), three, four(crossed)], RANK)).toEqual([]);
    expect(beganAlike([...times(4, four(same)), four(crossed)], RANK)).toHaveLength(1);
    expect(beganAlike(times(4, four(same)), RANK)).toEqual([]);
    expect(beganAlike(times(20, module(same(0), same(1), same(2))), RANK)).toEqual([]);
    expect(beganAlike([], RANK)).toEqual([]);
    expect(beganAlike([{ clusters: null }], RANK)).toEqual([]);
  });
});
