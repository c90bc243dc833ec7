import { describe, expect, it } from "vitest";
import { markRadius, nearest, pointsIn } from "../../web/views/plane-points.ts";
import { outlineAt, regroup } from "../../web/views/regrouping.ts";
import { inOrder, putStamp, Stamps } from "../../web/views/stamps.ts";

const WHOLE = { zoom: 1, x: 0, y: 0 };
const cluster = (...members: number[]) => ({ members, reweight: 1 });

describe("places of units", () => {
  it("fill a picture but for 24 pixels at each side, with one scale for both axes, up being more", () => {
    const at = pointsIn(
      [
        [0, 0],
        [4, 0],
        [0, 1],
      ],
      448,
      448,
    );
    expect(at).toEqual([
      [24, 274],
      [424, 274],
      [24, 174],
    ]);
  });

  it("are found from as far as 12 pixels, the nearest of them, where they are after zooming and moving", () => {
    const points = [
      [10, 10],
      [20, 10],
    ] as const;
    expect(nearest(points, WHOLE, [14, 10])).toBe(0);
    expect(nearest(points, WHOLE, [16, 10])).toBe(1);
    expect(nearest(points, WHOLE, [20, 23])).toBeNull();
    expect(nearest(points, { zoom: 3, x: 5, y: 0 }, [65, 30])).toBe(1);
  });

  it("have marks that cover no more than the picture together, until they are too small", () => {
    expect(markRadius(42, 600, 560, WHOLE)).toBe(5.5);
    expect(markRadius(20_000, 600, 560, WHOLE)).toBeCloseTo(Math.sqrt(336_000 / 20_000 / Math.PI), 9);
    expect(markRadius(20_000, 600, 560, { ...WHOLE, zoom: 3 })).toBe(5.5);
    expect(markRadius(1_000_000, 600, 560, WHOLE)).toBe(2);
  });
});

describe("clusters that change", () => {
  it("come from the earlier one that has most of their members", () => {
    const before = [cluster(0, 1, 2), cluster(3, 4)];
    expect(regroup(before, [cluster(0, 1, 3), cluster(2), cluster(5)])).toEqual([
      { members: [0, 1, 3], staying: [0, 1], coming: [3], going: [2] },
      { members: [2], staying: [2], coming: [], going: [0, 1] },
      { members: [5], staying: [5], coming: [], going: [] },
    ]);
  });

  it("lose who goes and take who comes through the middle of who stays", () => {
    const points = [
      [0, 0],
      [4, 0],
      [2, 8],
      [2, -8],
    ] as const;
    const [group] = regroup([cluster(0, 1, 2)], [cluster(0, 1, 3)]);
    const height = (at: number) => outlineAt(group!, points, at).map(([, y]) => y);
    expect([Math.min(...height(0)), Math.max(...height(0))]).toEqual([0, 8]);
    expect([Math.min(...height(0.25)), Math.max(...height(0.25))]).toEqual([-2, 6]);
    expect([Math.min(...height(1)), Math.max(...height(1))]).toEqual([-8, 0]);
  });
});

describe("marks", () => {
  it("that are chosen or hovered lie on top", () => {
    expect(inOrder(4, new Set([1]), 2).map(({ look, places }) => [look, ...places])).toEqual([
      ["plain", 0, 3],
      ["chosen", 1],
      ["hovered", 2],
    ]);
    expect(inOrder(2, new Set([1]), 1).at(-1)!.places).toEqual([]);
  });

  const OPAQUE = 0xff0000ff;
  const HALF = 0x80ff0000;
  const stamp = { size: 2, pixels: new Uint32Array([OPAQUE, HALF, 0, OPAQUE]) };

  it("are cut at the picture's edges, and leave what they do not cover", () => {
    const picture = new Uint32Array(9);
    putStamp(picture, 3, stamp, 0, 0);
    putStamp(picture, 3, stamp, 3, 3);
    expect([...picture]).toEqual([OPAQUE, 0, 0, 0, 0, 0, 0, 0, OPAQUE]);
    putStamp(picture, 3, stamp, -5, 1);
    putStamp(picture, 3, stamp, 1, 9);
    expect(picture.filter((pixel) => pixel !== 0)).toHaveLength(2);
  });

  it("mix with what is below by their opacity", () => {
    const picture = new Uint32Array([0, 0xff0000ff, 0, 0]);
    putStamp(picture, 2, stamp, 1, 1);
    // 128 of 255 parts of blue over red.
    expect(picture[1]).toBe(0xff80007f);
    const empty = new Uint32Array([0, HALF, 0, 0]);
    putStamp(empty, 2, { size: 2, pixels: new Uint32Array([0, 0x800000ff, 0, 0]) }, 1, 1);
    // Half over half leaves a quarter; two thirds of the colour are the upper one's.
    expect([empty[1]! >>> 24, (empty[1]! >>> 16) & 255, empty[1]! & 255]).toEqual([192, 85, 170]);
  });

  it("are drawn once for radii that are the same in quarters of a pixel, so that few are kept while one zooms", () => {
    const stamps = new Stamps("black", "white");
    const drawn = new Set<unknown>();
    for (let radius = 2; radius <= 5.5; radius += 0.01) drawn.add(stamps.of("plain", radius)(0));
    expect(drawn.size).toBe(15);
    expect(stamps.of("plain", 3.1)(0)).toBe(stamps.of("plain", 3.01)(0));
    expect(stamps.of("chosen", 3.1)(0)).not.toBe(stamps.of("plain", 3.1)(0));
    expect(stamps.of("plain", 3.1)(1)).not.toBe(stamps.of("plain", 3.1)(0));
  });
});
