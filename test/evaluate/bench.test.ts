import { describe, expect, it } from "vitest";
import { type BenchHost, runBench } from "../../src/evaluate/bench.ts";
import { checkTasks, parseBench } from "../../src/evaluate/bench-file.ts";
import { benchPage } from "../../src/evaluate/bench-page.ts";
import { isTie, pairedDifference } from "../../src/evaluate/paired.ts";
import type { TaskRow } from "../../src/evaluate/task-rows.ts";

const FILE = `
base: base
tasks: { dev: dev.jsonl, test: [test.jsonl] }
adapters: [{ path: one, task: one }, { path: other, task: other }]
unseen: [new]
merges: [{ method: lego }, { name: half, method: average, rank: 3 }]
ranks: [1, 2]
scales: [1, 2]
`;
const rowsOf = (task: string, count: number): TaskRow[] =>
  Array.from({ length: count }, (_, i) => ({ task, prompt: `${task} ${i}`, choices: ["yes", "no"], answer: 0 }));

describe("a benchmark file", () => {
  it("says what is merged, at which ranks, and scored on what", async () => {
    expect(await parseBench(FILE, "bench.yaml")).toEqual({
      base: "base",
      dev: ["dev.jsonl"],
      test: ["test.jsonl"],
      adapters: [
        { path: "one", task: "one" },
        { path: "other", task: "other" },
      ],
      joint: null,
      unseen: ["new"],
      merges: [
        { name: "lego", recipe: { method: "lego" } },
        { name: "half", recipe: { method: "average", target: { kind: "rank", rank: 3 } } },
      ],
      ranks: [1, 2],
      scales: [2],
    });
  });

  it.each([
    ["base: x", /^b\.yaml:1:1: tasks is missing; it must be a map of dev and test\.$/],
    [FILE.replace("scales", "scale"), /^b\.yaml:8:1: "scale" is unknown here; did you mean scales\?$/],
    [
      FILE.replace("method: average", "method: averge"),
      /^b\.yaml:6:50: merges\[1\]\.method is "averge", but must be one of .*did you mean average\?$/,
    ],
    [
      FILE.replace("name: half", "name: lego"),
      /^b\.yaml:6:28: there is a merge called lego already; give this one another name\.$/,
    ],
    [FILE.replace("{ method: lego }", "{ method: lego, options: { gauge: round } }"), /^b\.yaml:6:\d+: .*gauge/],
    [FILE.replace("[1, 2]\nscales", "[0]\nscales"), /ranks\[0\] is 0, but must be a whole number above 0/],
    [FILE.replace(/adapters: .*/, "adapters: []"), /adapters .*must name at least one adapter/],
    [FILE.replace("rank: 3", "rank: 3, keep: 0.5"), /^b\.yaml:6:\d+: keep and rank exclude each other/],
    [
      FILE.replace("rank: 3", "moduleWeights: [{ match: q_proj, weights: [1] }]"),
      /^b\.yaml:6:\d+: There are 2 adapters but 1 weight for q_proj/,
    ],
    [FILE.replace("rank: 3", "include: [layers..q_proj]"), /^b\.yaml:6:\d+: /],
  ])("refuses %#", async (text, message) => {
    await expect(parseBench(text, "b.yaml")).rejects.toThrow(message);
  });

  it.each([
    [["one", "new"], ["one"], /^b\.yaml: there are no test rows of the task other \(the tasks are one, new\)/],
    [["one", "other", "new"], ["new"], /^b\.yaml: there are no dev rows of seen tasks/],
    [["one", "other", "new"], ["one"], null],
  ])("wants rows of its tasks (%#)", async (test, dev, message) => {
    const bench = await parseBench(FILE, "b.yaml");
    const check = () =>
      checkTasks(
        bench,
        { test: test.flatMap((task) => rowsOf(task, 1)), dev: dev.flatMap((task) => rowsOf(task, 1)) },
        "b.yaml",
      );
    if (message === null) expect(check()).toBeUndefined();
    else expect(check).toThrow(message);
  });

  it("refuses tasks that are all unseen", async () => {
    const bench = await parseBench(FILE.replace(/adapters: .*/, "adapters: [one]"), "b.yaml");
    const rows = rowsOf("new", 1);
    expect(() => checkTasks(bench, { test: rows, dev: rows }, "b.yaml")).toThrow(/all tasks are unseen/);
  });
});

describe("paired differences", () => {
  it("are the mean over tasks, and tie where rows disagree both ways", () => {
    const all = (right: boolean, n = 50) => new Array<boolean>(n).fill(right);
    const better = pairedDifference([
      { one: all(true), other: all(false) },
      { one: all(true, 10), other: all(true, 10) },
    ]);
    expect(better).toEqual({ difference: 0.5, low: 0.5, high: 0.5 });
    expect(isTie(better)).toBe(false);
    const mixed = pairedDifference([{ one: [...all(true), ...all(false)], other: [...all(false), ...all(true)] }]);
    expect(mixed.difference).toBe(0);
    // The mean of 100 rows of +1 and -1 has a standard deviation of 0.1.
    expect(mixed.low).toBeLessThan(-0.15);
    expect(mixed.high).toBeGreaterThan(0.15);
    expect(isTie(mixed)).toBe(true);
    expect(pairedDifference([{ one: [true, false], other: [false, true] }], 3)).toEqual(
      pairedDifference([{ one: [true, false], other: [false, true] }], 3),
    );
  });
});

describe("a benchmark", () => {
  const test = [...rowsOf("one", 4), ...rowsOf("other", 4), ...rowsOf("new", 4)];
  const dev = [...rowsOf("one", 3), ...rowsOf("other", 3), ...rowsOf("new", 3)];
  const asked: [string | null, number, number][] = [];
  /** An adapter is right on its own task; a merge at factor 2 on every seen one, at factor 1 on the first half of their rows. */
  const host: BenchHost = {
    lanes: 1,
    merge: async ({ method, target }) => `${method} ${target?.kind === "rank" ? target.rank : ""}`,
    async score(adapter, scale, rows) {
      asked.push([adapter, scale, rows.length]);
      return rows.map(({ task, prompt }) => {
        const merged = adapter?.startsWith("lego") && task !== "new" && (scale === 2 || /[01]$/.test(prompt));
        return adapter === task || merged ? [-1, -2] : [-2, -1];
      });
    },
  };

  it("scores base, own adapters, ensemble, and each merge with the factor that dev rows choose", async () => {
    const bench = await parseBench(FILE, "bench.yaml");
    const parts: number[] = [];
    const result = await runBench(bench, { dev, test }, host, ({ done }) => parts.push(done));
    expect([result.base.seen, result.own!.seen, result.joint]).toEqual([0, 1, null]);
    // Each row: one adapter says -1 -2, the other -2 -1: equal sums, and of equals the first choice, which is right.
    expect(result.ensemble.seen).toBe(1);
    expect(result.merges.map(({ name, rank }) => [name, rank])).toEqual([
      ["lego", 1],
      ["lego", 2],
      ["half", 3],
    ]);
    const [lego, , half] = result.merges;
    expect(lego!.plain).toMatchObject({ seen: 0.5, unseen: 0 });
    expect(lego!.searched).toMatchObject({ scale: 2, seen: 1, tasks: { one: { rows: 4, accuracy: 1, deviation: 0 } } });
    // Nothing is right at either factor: of equals the one nearest to 1.
    expect(half!.searched).toMatchObject({ scale: 1, seen: 0 });
    expect(asked.filter(([, , count]) => count !== test.length).every(([, , count]) => count === 6)).toBe(true);
    expect(parts).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("scores the same, several parts at a time", async () => {
    const bench = await parseBench(FILE, "bench.yaml");
    let [atWork, most] = [0, 0];
    const busy: BenchHost = {
      ...host,
      lanes: 4,
      async score(...of) {
        most = Math.max(most, ++atWork);
        await new Promise((resolve) => setTimeout(resolve, 5));
        atWork--;
        return host.score(...of);
      },
    };
    expect(await runBench(bench, { dev, test }, busy)).toEqual(await runBench(bench, { dev, test }, host));
    expect(most).toBeGreaterThan(2);
  });

  it("prints its tables", async () => {
    const bench = await parseBench(
      FILE.replace("name: half, method: average, rank: 3", "method: average"),
      "bench.yaml",
    );
    const page = benchPage(await runBench(bench, { dev, test }, host));
    expect(page).toContain(
      "Accuracy in % on 4 rows of each task; the standard deviation of one accuracy is at most 25.0 points.",
    );
    expect(page).toContain("| own adapter | 100.0 | 100.0 | 0.0 | **100.0** | 0.0 |");
    expect(page).toContain("### Rank 2");
    expect(page).toContain("| lego | 50.0 | 50.0 | 0.0 | **50.0** | 0.0 |");
    expect(page).toContain("| lego | 100.0 | 100.0 | 0.0 | **100.0** | 0.0 | 2 |  |");
    expect(page).toContain("| average | 0.0 | 0.0 | 0.0 | **0.0** | 0.0 | 1 | -100.0 (-100.0 to -100.0) |");
  });
});
