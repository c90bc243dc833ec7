import { describe, expect, it } from "vitest";
import { RefusedError } from "../../../src/core/errors.ts";
import type { TaskRow } from "../../../src/evaluate/task-rows.ts";
import { type TuneHost, type TuneSearch, tune } from "../../../src/evaluate/tune/tune.ts";
import type { LooseRecipe } from "../../../src/recipe/recipe.ts";

const rowsOf = (task: string, from: number, count: number): TaskRow[] =>
  Array.from({ length: count }, (_, i) => ({
    task,
    prompt: `${task} ${from + i}`,
    choices: ["yes", "no"],
    answer: i % 2,
  }));
const SEARCH = [...rowsOf("one", 0, 40), ...rowsOf("other", 0, 40)];
const TEST = [...rowsOf("one", 40, 20), ...rowsOf("other", 40, 20)];

/** The weights that suit each task best; a row is answered the surer, the nearer the merge is. */
const BEST: Readonly<Record<string, number>> = { one: Math.log2(2), other: Math.log2(0.5) };

/** Scores of tsv are best, and the first adapter wants four times the weight of the second. */
function scoresOf({ method, weights = [1, 1], scale = "auto" }: LooseRecipe, rows: readonly TaskRow[]): number[][] {
  const factor = scale === "auto" ? 0 : Math.log2(scale / 0.6);
  const own = { one: Math.log2(weights[0]!), other: Math.log2(weights[1]!) };
  const tsv = method === "tsv" || method === "auto" ? 0 : 1;
  return rows.map(({ task, answer }) => {
    const off = (own[task as "one"] - BEST[task]!) ** 2 + factor ** 2 + tsv;
    return [0, 1].map((choice) => (choice === answer ? 2 - off : 0));
  });
}

/** Stands for merging and scoring. */
function fakeHost(refuses: string | null = null, lanes = 1) {
  const merges: LooseRecipe[] = [];
  const scored: (readonly TaskRow[])[] = [];
  let atWork = 0;
  const most = { lanes: 0 };
  const host: TuneHost = {
    lanes,
    async trial(recipe, rows) {
      if (recipe.method === refuses) throw new RefusedError(`${recipe.method} needs something else.`);
      merges.push(recipe);
      scored.push(rows);
      most.lanes = Math.max(most.lanes, ++atWork);
      // Those that began later end first.
      await new Promise((resolve) => setTimeout(resolve, lanes > 1 ? lanes - (merges.length % lanes) : 0));
      atWork--;
      const rank = recipe.target?.kind === "rank" ? recipe.target.rank : 8;
      const method = recipe.method === "auto" ? "tsv" : recipe.method!;
      const merge = { method, scale: recipe.scale === "auto" ? 0.6 : 1, rank };
      return { merge, scores: scoresOf(recipe, rows) };
    },
  };
  return { host, merges, scored, most };
}

const search = (more: Partial<TuneSearch> = {}): TuneSearch => ({
  adapters: 2,
  groups: [],
  search: SEARCH,
  test: TEST,
  budget: 120,
  seed: 0,
  prefer: {},
  rank: null,
  every: {},
  ...more,
});

describe("tune", () => {
  it("finds the weights that suit the rows, and says what they gain on others", async () => {
    const { host } = fakeHost();
    const { tuned, recommended, unseen, trials } = await tune(host, search());
    const [first, second] = tuned.recipe.weights!;
    expect(first! / second!).toBeGreaterThan(3);
    expect(first! / second!).toBeLessThan(4.3);
    expect(tuned.recipe.method).toBe("tsv");
    expect(tuned.loss).toBeLessThan(recommended.loss);
    expect(unseen!.tuned.loss).toBeLessThan(unseen!.recommended.loss);
    expect(trials).toBe(120);
  });

  it("scores as many merges as its budget, whatever that is", async () => {
    for (const budget of [1, 3, 9, 14, 23]) {
      const { host, scored } = fakeHost();
      const progress: number[] = [];
      const { trials } = await tune(host, search({ budget }), ({ done }) => progress.push(done));
      expect(trials).toBe(budget);
      expect(progress).toEqual(Array.from({ length: budget }, (_, i) => i + 1));
      expect(scored.filter((rows) => rows === SEARCH)).toHaveLength(budget);
    }
  });

  it("scores the test rows at the end alone, of two merges", async () => {
    const { host, scored } = fakeHost();
    await tune(host, search({ budget: 30 }));
    expect(scored.slice(0, 30).every((rows) => rows === SEARCH)).toBe(true);
    expect(scored.slice(30)).toEqual([TEST, TEST]);
    const alone = fakeHost();
    expect((await tune(alone.host, search({ budget: 5, test: [] }))).unseen).toBeNull();
    expect(alone.scored).toHaveLength(5);
  });

  it("does the same for the same seed, and something else for another", async () => {
    const found = async (seed: number) => (await tune(fakeHost().host, search({ budget: 40, seed }))).tuned.recipe;
    expect(await found(3)).toEqual(await found(3));
    expect(await found(3)).not.toEqual(await found(4));
  });

  it("leaves out methods that do not merge the adapters, and says why", async () => {
    const { refused, trials } = await tune(fakeHost("ctm").host, search({ budget: 30 }));
    expect(refused).toEqual({ ctm: "ctm needs something else." });
    expect(trials).toBe(30);
  });

  it("tries methods at the adapters' rank, and the best two at twice that; all at a rank that is given", async () => {
    const ranksOf = async (rank: number | null) => {
      const { host, merges } = fakeHost();
      await tune(host, search({ rank, budget: 10, test: [] }));
      return merges.slice(1).map(({ target }) => (target?.kind === "rank" ? target.rank : null));
    };
    expect(await ranksOf(null)).toEqual([8, 8, 8, 8, 8, 8, 8, 16, 16]);
    expect(new Set(await ranksOf(4))).toEqual(new Set([4]));
  });

  it("searches groups of layers where weights are factors, and not where only their ratios count", async () => {
    const groups = [{ match: "layers.0-1.self_attn.**" }];
    const { host, merges } = fakeHost();
    await tune(host, search({ groups, budget: 20 }));
    const last = merges.at(-3)!;
    expect(last.moduleWeights).toHaveLength(1);
    expect(last.moduleWeights![0]).toMatchObject(groups[0]!);
    const ratio = last.moduleWeights![0]!.weights[0]! / last.weights![0]!;
    expect(last.moduleWeights![0]!.weights[1]! / last.weights![1]!).toBeCloseTo(ratio, 1);
    expect(ratio).not.toBe(1);

    const relative = fakeHost();
    const average: TuneHost = {
      lanes: 1,
      async trial(recipe, rows) {
        const { merge, scores } = await relative.host.trial(recipe, rows);
        return { merge: { ...merge, method: "average" }, scores };
      },
    };
    await tune(average, search({ groups, budget: 20 }));
    expect(relative.merges.every(({ moduleWeights }) => moduleWeights === undefined)).toBe(true);
  });

  it("stays near the method's own merge when few rows speak", async () => {
    const few = (count: number) => [...rowsOf("one", 0, count), ...rowsOf("other", 0, count)];
    const ratio = async (count: number) => {
      const [first, second] = (await tune(fakeHost().host, search({ search: few(count), budget: 150 }))).tuned.recipe
        .weights!;
      return first! / second!;
    };
    expect(await ratio(1)).toBeLessThan(await ratio(40));
  });

  it.each([null, "ctm"])("finds the same, several trials at a time (refused: %s)", async (refused) => {
    const [alone, together] = [fakeHost(refused), fakeHost(refused, 4)];
    for (const budget of [5, 40]) {
      expect(await tune(together.host, search({ budget }))).toEqual(await tune(alone.host, search({ budget })));
    }
    expect([alone.most.lanes, together.most.lanes]).toEqual([1, 4]);
  });
});
