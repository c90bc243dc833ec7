import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { methodById } from "../../../src/methods/registry.ts";
import { audited, diagonal, fixesOf, foundIn, GOOD, near, signature, sum, unit } from "../../support/audited-merge.ts";
import { openPico } from "../../support/pico.ts";

describe("signatures of adapters that are lost", () => {
  it("tell an adapter that is lost, with the weight or the size that balances it", async () => {
    const adapters = [diagonal("a", { 0: 3 }), diagonal("b", { 1: 0.025 }), diagonal("c", { 2: 4.5 })];
    const result = (): Promise<Adapter> => diagonal("m", { 0: 1.5, 1: 0.0125, 2: 2.25 });
    const lost = await audited(result(), adapters);
    expect(signature(lost, "lost-adapter")).toMatchObject({ found: true, figure: 1, limit: 0 });
    expect(signature(lost, "lost-adapter").text).toMatch(
      /^b is practically lost: .* a weight of 150 would balance it, and amplify its noise as much\.$/,
    );
    const relative = await audited(result(), adapters, sum([1, 1, 1], { method: methodById("lego") }));
    expect(signature(relative, "lost-adapter").text).toMatch(
      /\(--method cat --scale 150\), which amplifies its noise as much/,
    );
    expect([fixesOf(lost), fixesOf(relative)]).toEqual([
      [{ weights: [1, 150, 1] }, { leaves: [1], weights: [1, 1, 1] }],
      [{ sizes: [1, 150, 1] }, { method: "auto", weights: [1, 150, 1] }, { leaves: [1], weights: [1, 1, 1] }],
    ]);
    expect(lost.next[0]!.why).toContain("b then counts 150 times, and its noise as much");
    const balanced = diagonal("m", { 0: 1.5, 1: 1.875, 2: 2.25 });
    expect(signature(await audited(balanced, adapters, sum([1, 150, 1])), "lost-adapter")).toMatchObject({
      found: false,
      figure: 0,
    });
  });

  it("name no single weight for a lost adapter whose weights differ by module", async () => {
    // With weights 1 and 2 b has 0.025 sqrt 5; the others' mean is 3.75 sqrt 2, 95 times as much.
    const [first, second] = ["layers.0.q_proj", "layers.1.q_proj"] as const;
    const both = (name: string, at: number, size: number): Promise<Adapter> => {
      const factors = { A: [unit(at)], B: unit(at, size).map((x) => [x]) };
      return openPico(name, { modules: { [first]: factors, [second]: factors } });
    };
    const weightsOf = (module: string): number[] => [1, module === first ? 1 : 2, 1];
    const adapters = [both("a", 0, 3), both("b", 1, 0.025), both("c", 2, 4.5)];
    const result = openPico("m", {
      modules: Object.fromEntries(
        [first, second].map((name) => [
          name,
          { A: [unit(0), unit(2)], B: [0, 1, 2, 3].map((row) => [row === 0 ? 1.5 : 0, row === 2 ? 2.25 : 0]) },
        ]),
      ),
    });
    const audit = await audited(result, adapters, sum([1, 1, 1], { weightsOf }));
    expect(signature(audit, "lost-adapter").text).toMatch(
      /; weights 95 times as large would balance it, and amplify its noise as much\.$/,
    );
  });

  it("tell an adapter that fewer ranks than adapters leave no room for", async () => {
    // The sum has the singular values 3, 3 and 1, of which rank 2 holds 18/19.
    const adapters = [diagonal("a", { 0: 3 }), diagonal("b", { 1: 3 }), diagonal("c", { 2: 1 })];
    const short = await audited(diagonal("m", { 0: 3 * GOOD, 1: 3 * GOOD }), adapters);
    expect(signature(short, "badly-kept")).toEqual({
      id: "badly-kept",
      found: true,
      figure: near(0),
      limit: 0.5,
      text: "0.00 times as much of c as of all (least 0.50)",
    });
    expect(fixesOf(short)).toEqual([{ rank: 3 }]);
    const whole = await audited(diagonal("m", { 0: 3 * GOOD, 1: 3 * GOOD, 2: 0.01 }), adapters);
    expect(signature(whole, "badly-kept")).toMatchObject({
      found: null,
      text: "0.02 times as much of c as of all (see lost-adapter)",
    });
    expect(foundIn(whole)).toContain("lost-adapter");
    const little = await audited(diagonal("m", { 0: 3 * GOOD, 1: 3 * GOOD, 2: 0.2 }), adapters);
    expect(signature(little, "badly-kept")).toMatchObject({
      found: null,
      text: "0.41 times as much of c as of all (below 0.50, though the rank has room: other weights or more rank hold more)",
    });
  });

  it("name a weight that keeps adapters evenly, after trying it, where ranks have room", async () => {
    // The sum is (0.2, 2): it holds 0.2 of a and 3.84 / 4.64 of b. With a weight of 1.5 it is (0.7, 2), which holds 0.7 and 3.44 / 4.64.
    const pair = [diagonal("a", { 0: 1 }), diagonal("b", { 0: -0.8, 1: 2 })];
    const made = (weights: readonly number[], scale?: number) =>
      sum(weights, { recipe: { method: "cat", ...(scale !== undefined && { scale }) } });
    const uneven = await audited(diagonal("m", { 0: 0.2, 1: 2 }), pair, made([1, 1]));
    expect(signature(uneven, "badly-kept")).toMatchObject({ found: null, figure: near(0.2 / (4.04 / 5.64)) });
    expect(fixesOf(uneven)).toEqual([{ weights: [1.5, 1] }]);
    expect(uneven.next[0]!.why).toBe(
      "Tried: with weight 1.5 for a the result holds at least 94% as much of each adapter as of the one that it holds most of, instead of 24%.",
    );
    const even = await audited(diagonal("m", { 0: 0.7, 1: 2 }), pair, made([1.5, 1]));
    expect(signature(even, "badly-kept")).toMatchObject({ found: false });
    expect(fixesOf(even)).toEqual([]);
    // A factor that does not fit the merge is computed for the next.
    const large = await audited(diagonal("m", { 0: 0.8, 1: 8 }), pair, made([1, 1], 4));
    expect(fixesOf(large)).toEqual([{ weights: [1.5, 1], scale: "auto" }]);
  });

  it("raise the weights of several adapters together, where several are badly kept", async () => {
    // The sum is (0.2, 2, 0.2): it holds 0.2 of a and c, and 3.68 / 5.28 of b. A weight of a alone leaves c as it is; with 1.5 for both
    // the sum is (0.7, 2, 0.7), which holds 0.7 of each and 2.88 / 5.28 of b.
    const three = [diagonal("a", { 0: 1 }), diagonal("b", { 0: -0.8, 1: 2, 2: -0.8 }), diagonal("c", { 2: 1 })];
    const known = sum([1, 1, 1], { recipe: { method: "cat" } });
    const audit = await audited(diagonal("m", { 0: 0.2, 1: 2, 2: 0.2 }), three, known);
    expect(signature(audit, "badly-kept")).toMatchObject({ found: null, figure: near(0.2 / (4.08 / 7.28)) });
    expect(fixesOf(audit)).toEqual([{ weights: [1.5, 1, 1.5] }]);
    expect(audit.next[0]!.why).toBe(
      "Tried: with weight 1.5 for a and 1.5 for c the result holds at least 78% as much of each adapter as of the one that it holds most of, instead of 29%.",
    );
    // By far too much of b: no such weight is enough.
    const drowned = [diagonal("a", { 0: 1 }), diagonal("b", { 0: -8, 1: 30, 2: -8 }), diagonal("c", { 2: 1 })];
    const against = await audited(diagonal("m", { 0: -7, 1: 30, 2: -7 }), drowned, known);
    expect(against.next.map(({ why }) => why)).toContainEqual(
      expect.stringMatching(
        /^No weight of a, or of a and c together, from 1\.5 to 4 times its own keeps all better by cat: /,
      ),
    );
  });

  it("say that no weight helps where none that was tried does", async () => {
    // With four times a the sum is (-4, 9), still against it.
    const pair = [diagonal("a", { 0: 1 }), diagonal("b", { 0: -8, 1: 9 })];
    const audit = await audited(diagonal("m", { 0: -7, 1: 9 }), pair, sum([1, 1], { recipe: { method: "cat" } }));
    expect(audit.next).toContainEqual({
      why: "No weight of a from 1.5 to 4 times its own keeps all better by cat: they were tried. A larger rank, other weights or another method may.",
      how: null,
    });
  });

  it("do not call the factor uncertain where an adapter is lost, nor name the one that it has", async () => {
    const pair = [diagonal("a", { 0: 1, 1: 0.5 }), diagonal("b", { 0: 1, 1: 0.5 })];
    const lost = [...pair, diagonal("c", { 3: 0.001 })];
    const made = (scale: number) => sum([1, 1, 1], { recipe: { method: "svd", scale } });
    const scalesOf = async (result: Promise<Adapter>, of: readonly Promise<Adapter>[]) =>
      fixesOf(await audited(result, of, made(1))).map((fix) => (fix as { scale?: number }).scale);
    const other = await audited(diagonal("m", { 0: 0.1, 1: 1 }), lost, made(1));
    expect(other.autoScale.rule).toBe("pull");
    // What is merged again gets the factor that it asks for, and none stands by itself.
    const { weights, ...balanced } = fixesOf(other)[0] as { weights: number[] };
    expect([weights.slice(0, 2), balanced]).toEqual([[1, 1], { rank: 4, scale: "auto" }]);
    expect(fixesOf(other).slice(1)).toEqual([{ leaves: [2], weights: [1, 1, 1], scale: "auto" }]);
    // Times the response of the first test, so that the response asks for 1.
    const { pull, response } = (await audited(diagonal("m", { 0: 0.08654, 1: 0.8654 }), pair)).autoScale;
    expect([response, pull! > 2]).toEqual([1, true]);
    expect(await scalesOf(diagonal("m", { 0: 0.08654, 1: 0.8654 }), pair)).toEqual([pull]);
  });
});

describe("adapters that the result cannot have been made of", () => {
  it("are named as lost", async () => {
    const audit = await audited(diagonal("m", { 0: 1 }), [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 }, "other.q")]);
    expect(foundIn(audit)).toContain("lost-adapter");
    expect(signature(audit, "lost-adapter").text).toBe(
      "b has none of the result's modules: pass the adapters that it was made of.",
    );
    expect(audit.good).toBe(false);
  });

  it("are not those of weight 0, which are in no merge", async () => {
    const given = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 }, "other.q")];
    const audit = await audited(diagonal("m", { 0: 1 }), given, sum([1, 0], { recipe: { method: "svd", scale: 1 } }));
    expect(foundIn(audit)).not.toContain("lost-adapter");
  });
});
