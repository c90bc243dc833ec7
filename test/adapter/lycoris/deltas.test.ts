import { describe, expect, it } from "vitest";
import { kroneckerSides } from "../../../src/adapter/lycoris/leading.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { type Core, entrywise, kron, type Rows, times, tucker } from "../../support/dense-lycoris.ts";
import { deltaOf, openLycoris } from "../../support/lycoris.ts";
import { type Nested, relativeError } from "../../support/pico.ts";

const random = seededRandom(7);
const rows = (count: number, columns: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: columns }, () => Math.fround(random.uniform() - 0.5)));
/** A core, and the same with its kernel as axes of 2 x 3. */
const core = (r: number, q: number): { flat: Core; axes: Nested } => {
  const flat = Array.from({ length: r }, () => rows(q, 6));
  return { flat, axes: flat.map((slices) => slices.map((places) => [places.slice(0, 3), places.slice(3)])) };
};
const pixels = (matrix: Rows): Nested => matrix.map((row) => row.map((value) => [[value]]));
const scaled = (matrix: Rows, scale: number): Float64Array =>
  Float64Array.from(matrix.flat(), (value) => value * scale);

describe("LoCon of three factors", () => {
  it("is a LoRA whose A is the middle times the channels of down, worked out by hand", async () => {
    const { delta, rank, inputShape } = await deltaOf({
      "lora_down.weight": pixels([[1, 2]]),
      "lora_mid.weight": [[[[1, 0, 5]]]],
      "lora_up.weight": pixels([[3], [-1]]),
      alpha: 2,
    });
    expect([rank, ...inputShape]).toEqual([1, 2, 1, 3]);
    // alpha / r is 2; A is (1, 0, 5) for the first channel and (2, 0, 10) for the second.
    expect([...delta]).toEqual([6, 0, 30, 12, 0, 60, -2, 0, -10, -4, 0, -20]);
  });

  it("agrees with the dense product for different inner sizes, and takes alpha over that of down", async () => {
    const [down, up, { flat, axes }] = [rows(3, 4), rows(5, 2), core(2, 3)];
    const { delta, rank } = await deltaOf({
      "lora_down.weight": pixels(down),
      "lora_mid.weight": axes,
      "lora_up.weight": pixels(up),
      alpha: 1.5,
    });
    expect(rank).toBe(2);
    const outputs = up[0]!.map((_, i) => up.map((row) => row[i]!));
    expect(relativeError(delta, scaled(tucker(outputs, flat, down), 0.5))).toBeLessThan(1e-6);
  });
});

describe("LoKr", () => {
  it("is the Kronecker product, at the rank of the smaller sides, worked out by hand", async () => {
    const { delta, rank } = await deltaOf({
      lokr_w1: [[1, 2]],
      lokr_w2: [
        [3, 0],
        [0, 4],
        [5, 5],
      ],
      alpha: 64,
    });
    expect(rank).toBe(2);
    // Whole matrices have no alpha.
    expect([...delta]).toEqual([3, 0, 6, 0, 0, 4, 0, 8, 5, 5, 10, 10]);
  });

  const sides = {
    wide: rows(2, 5),
    tall: rows(4, 2),
    w1a: rows(3, 2),
    w1b: rows(2, 4),
    w2a: rows(5, 3),
    w2b: rows(3, 6),
  };
  const { wide, tall, w1a, w1b, w2a, w2b } = sides;
  it.each([
    ["both whole", { lokr_w1: tall, lokr_w2: wide }, kron(tall, wide), 4, 1],
    ["w2 factored", { lokr_w1: tall, lokr_w2_a: w2a, lokr_w2_b: w2b }, kron(tall, times(w2a, w2b)), 6, 0.5 / 3],
    ["w1 factored", { lokr_w1_a: w1a, lokr_w1_b: w1b, lokr_w2: wide }, kron(times(w1a, w1b), wide), 4, 0.5 / 2],
    [
      "both factored",
      { lokr_w1_a: w1a, lokr_w1_b: w1b, lokr_w2_a: w2a, lokr_w2_b: w2b },
      kron(times(w1a, w1b), times(w2a, w2b)),
      6,
      0.5 / 3,
    ],
    [
      "a factor larger than its matrix",
      { lokr_w1: tall, lokr_w2_a: w2b, lokr_w2_b: rows(6, 2).map((_, i) => [i, -1]) },
      kron(
        tall,
        times(
          w2b,
          rows(6, 2).map((_, i) => [i, -1]),
        ),
      ),
      4,
      0.5 / 6,
    ],
  ])("%s", async (_, tensors, dense, units, scale) => {
    const { delta, rank } = await deltaOf({ ...tensors, alpha: 0.5 });
    expect(rank).toBe(units);
    expect(relativeError(delta, scaled(dense, scale))).toBeLessThan(1e-6);
  });

  it("has the rank of its columns where its factors are larger than those, though not than its rows", async () => {
    const [tall5, inner] = [rows(5, 3), rows(3, 2)];
    const { delta, rank } = await deltaOf({ lokr_w1: [[1]], lokr_w2_a: tall5, lokr_w2_b: inner });
    expect(rank).toBe(2);
    expect(relativeError(delta, scaled(times(tall5, inner), 1))).toBeLessThan(1e-6);
  });

  it("keeps its factors at a rank that is its rows', and is beside an identity where it is whole and square", async () => {
    const sides = async (tensors: Parameters<typeof openLycoris>[0]) => {
      const [module] = (await openLycoris({ lokr_w1: tall, ...tensors })).modules.values();
      const { a, b } = kroneckerSides(module!)!.right;
      return [a.op, b.op];
    };
    expect(await sides({ lokr_w2_a: rows(3, 3), lokr_w2_b: rows(3, 6) })).toEqual(["stored", "stored"]);
    expect(await sides({ lokr_w2: rows(3, 3) })).toEqual(["stored", "identity"]);
  });

  it("has alpha r where none is stored", async () => {
    const { delta } = await deltaOf({ lokr_w1: tall, lokr_w2_a: w2a, lokr_w2_b: w2b });
    expect(relativeError(delta, scaled(kron(tall, times(w2a, w2b)), 1))).toBeLessThan(1e-6);
  });

  it("takes convolutions whole and as a Tucker decomposition", async () => {
    const { flat, axes } = core(2, 3);
    const [outputs, channels] = [rows(2, 4), rows(3, 3)];
    const [module] = (await openLycoris({ lokr_w1: tall, lokr_w2: axes })).modules.values();
    expect(module!.kind).toBe("conv");
    const whole = await deltaOf({ lokr_w1: tall, lokr_w2: axes });
    expect(whole.inputShape).toEqual([6, 2, 3]);
    expect(
      relativeError(
        whole.delta,
        scaled(
          kron(
            tall,
            flat.map((slices) => slices.flat()),
          ),
          1,
        ),
      ),
    ).toBeLessThan(1e-6);
    const split = await deltaOf({ lokr_w1: tall, lokr_t2: axes, lokr_w2_a: outputs, lokr_w2_b: channels, alpha: 6 });
    expect([split.rank, ...split.inputShape]).toEqual([4, 6, 2, 3]);
    expect(relativeError(split.delta, scaled(kron(tall, tucker(outputs, flat, channels)), 2))).toBeLessThan(1e-6);
  });
});

describe("LoHa", () => {
  it("is the elementwise product, worked out by hand", async () => {
    const { delta, rank } = await deltaOf({
      hada_w1_a: [[1], [2]],
      hada_w1_b: [[1, 2, 3]],
      hada_w2_a: [[1], [-1]],
      hada_w2_b: [[5, 0, 1]],
      alpha: 3,
    });
    expect(rank).toBe(1);
    expect([...delta]).toEqual([15, 0, 9, -30, -0, -18].map((value) => value + 0));
  });

  const loha = (out: number, inputs: number, r: number) => {
    const [a, b, c, d] = [rows(out, r), rows(r, inputs), rows(out, r), rows(r, inputs)];
    const tensors = { hada_w1_a: a, hada_w1_b: b, hada_w2_a: c, hada_w2_b: d, alpha: 1 };
    return { tensors, dense: scaled(entrywise(times(a, b), times(c, d)), 1 / r) };
  };
  it.each([
    ["of r^2 units", 9, 7, 2, 4],
    ["of as many units as rows, where those are fewer", 5, 7, 3, 5],
    ["of as many units as columns, where those are fewer", 9, 6, 3, 6],
  ])("%s", async (_, out, inputs, r, units) => {
    const { tensors, dense } = loha(out, inputs, r);
    const { delta, rank } = await deltaOf(tensors);
    expect(rank).toBe(units);
    expect(relativeError(delta, dense)).toBeLessThan(1e-6);
  });

  it("keeps the products of its own units where the whole delta would have as many", async () => {
    const [module] = (await openLycoris(loha(4, 7, 2).tensors)).modules.values();
    expect([module!.rank, module!.a, module!.b]).toMatchObject([
      4,
      { matrix: { op: "row-products" } },
      { matrix: { op: "row-products" } },
    ]);
  });

  it.each([
    [2, 7, 4],
    [3, 5, 5],
    [5, 19, 19],
  ])("takes Tucker decompositions of inner size %i for %i outputs", async (r, out, units) => {
    const [one, two] = [core(r, r), core(r, r)];
    const [a, b, c, d] = [rows(r, out), rows(r, 3), rows(r, out), rows(r, 3)];
    const tensors = { hada_w1_a: a, hada_w1_b: b, hada_w2_a: c, hada_w2_b: d, hada_t1: one.axes, hada_t2: two.axes };
    const { delta, rank, inputShape } = await deltaOf({ ...tensors, alpha: 1 });
    expect([rank, ...inputShape]).toEqual([units, 3, 2, 3]);
    const dense = entrywise(tucker(a, one.flat, b), tucker(c, two.flat, d));
    expect(relativeError(delta, scaled(dense, 1 / r))).toBeLessThan(1e-6);
  });
});
