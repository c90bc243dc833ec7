import { describe, expect, it } from "vitest";
import type { FactorPiece } from "../../../src/adapter/adapter.ts";
import { denseFactor } from "../../../src/adapter/dense-factor.ts";
import { computedFactor } from "../../../src/adapter/lycoris/computed.ts";
import { identity } from "../../../src/adapter/matrix-ref.ts";
import { composed, cutFactor, cutPlain, piecesAt, swappedHalves } from "../../../src/adapter/weights/cut.ts";

const tensor = { name: "t", file: 0, begin: 0 };
/** Two units of four entries, as rows of a matrix. */
const HALF = denseFactor({ ...tensor, dtype: "F16", shape: [2, 4], end: 16 }, "rows", 2);
/** The same sizes as columns, in f32. */
const SINGLE = denseFactor({ ...tensor, name: "u", dtype: "F32", shape: [4, 2], end: 32 }, "columns", 2);
const at = (entry: number, factor: FactorPiece["factor"] = HALF): FactorPiece => ({ factor, unit: 0, entry, times: 1 });

describe("entries of a factor", () => {
  it("begin as many steps into the tensor, which are units apart where those are columns", () => {
    expect(cutPlain(HALF, 1, 3)).toEqual({ ...HALF, offset: 1, size: 3 });
    expect(cutPlain(SINGLE, 1, 3)).toEqual({ ...SINGLE, offset: 2, size: 3 });
    expect(cutFactor(cutPlain(SINGLE, 1, 3), 2, 1)).toEqual({ ...SINGLE, offset: 6, size: 1 });
  });

  it("are columns of a computed factor", () => {
    const factor = computedFactor("x", identity(4));
    expect(cutFactor(factor, 1, 3)).toEqual({ ...factor, offset: 1, size: 3 });
  });

  // Entries 0 to 3 and 6 to 9 of ten.
  const gapped = composed(2, 10, [at(0), at(6, SINGLE)]);

  it("are those of each piece, moved to where they are in the cut", () => {
    expect(cutFactor(gapped, 2, 6)).toEqual({
      ...gapped,
      size: 6,
      pieces: [at(0, cutPlain(HALF, 2, 2)), at(4, cutPlain(SINGLE, 0, 2))],
    });
  });

  it("leave out the pieces that lie outside of them, even next to them", () => {
    expect(cutFactor(gapped, 4, 4)).toEqual({
      name: "u",
      dtype: "F32",
      rank: 2,
      size: 4,
      pieces: [at(2, cutPlain(SINGLE, 0, 2))],
    });
    expect(cutFactor(gapped, 0, 4)).toBeTypeOf("object");
    expect(cutFactor(gapped, 4, 2)).toBeNull();
    expect(cutFactor(gapped, 5, 1)).toBeNull();
  });
});

describe("composed", () => {
  it("gives the piece itself where that is the whole", () => {
    expect(composed(2, 4, [at(0)])).toBe(HALF);
  });

  it.each([
    ["it has fewer units", 3, 4, at(0)],
    ["it has fewer entries", 2, 5, at(0)],
    ["it is multiplied", 2, 4, { ...at(0), times: 2 }],
  ])("keeps a piece as one where %s", (_, rank, size, piece) => {
    expect(composed(rank, size, [piece])).toMatchObject({ rank, size, pieces: [piece] });
  });

  it.each([
    ["F16", "of the pieces, where they agree", [at(0), at(4)]],
    ["F32", "where a later piece is of another", [at(0), at(4, SINGLE)]],
    ["F32", "where the first is multiplied", [{ ...at(0), times: 3 }, at(4)]],
    ["F32", "where a later one is multiplied", [at(0), { ...at(4), times: 3 }]],
  ])("has the element type %s %s", (dtype, _, pieces) => {
    expect(composed(2, 8, pieces)).toEqual({ name: "t", dtype, rank: 2, size: 8, pieces });
  });
});

describe("the pieces of a factor in a larger one", () => {
  it("are the factor itself at its place, or its pieces, moved and multiplied", () => {
    expect(piecesAt(HALF, 3, 5, 2)).toEqual([{ factor: HALF, unit: 3, entry: 5, times: 2 }]);
    const factor = composed(4, 9, [
      { factor: HALF, unit: 1, entry: 2, times: 4 },
      { factor: SINGLE, unit: 0, entry: 0, times: -1 },
    ]);
    expect(piecesAt(factor, 3, 5, 0.5)).toEqual([
      { factor: HALF, unit: 4, entry: 7, times: 2 },
      { factor: SINGLE, unit: 3, entry: 5, times: -0.5 },
    ]);
  });
});

describe("swapped halves", () => {
  it("are the second half before the first", () => {
    expect(swappedHalves(HALF)).toMatchObject({
      dtype: "F16",
      rank: 2,
      size: 4,
      pieces: [at(0, cutPlain(HALF, 2, 2)), at(2, cutPlain(HALF, 0, 2))],
    });
  });

  it.each([
    ["the first", 0, 4],
    ["the second", 4, 0],
  ])("have zeros where there were none but in %s", (_, from, to) => {
    const half = composed(2, 8, [at(from)]);
    expect(swappedHalves(half)).toEqual({ ...half, pieces: [at(to)] });
  });
});
