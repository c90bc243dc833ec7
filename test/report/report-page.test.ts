import { describe, expect, it } from "vitest";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { compositions } from "../../src/report/compositions.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { reportPage } from "../../src/report/report-page.ts";
import { openPico } from "../support/pico.ts";

/** A report of adapters a, b and c with clusters of these units: one list of clusters for each module. */
const clustered = (...modules: (readonly (readonly [input: number, unit: number])[][] | null)[]): MergeReport =>
  ({
    inputs: ["a", "b", "c"].map((name) => ({ name })),
    modules: modules.map((clusters) => ({ clusters: clusters?.map((members) => ({ members })) ?? null })),
  }) as unknown as MergeReport;

describe("what merged with what", () => {
  it("counts clusters and units over modules by the adapters that they draw from", () => {
    const report = clustered(
      [
        [
          [0, 0],
          [1, 0],
        ],
        [
          [1, 1],
          [0, 1],
          [1, 2],
        ],
        [[2, 0]],
      ],
      null,
      [
        [
          [2, 3],
          [0, 4],
        ],
        [
          [2, 1],
          [2, 2],
        ],
        [[2, 4]],
        [[0, 2]],
      ],
    );
    expect(compositions(report)).toEqual([
      ["a + b", 2, 5],
      ["a + c", 1, 2],
      ["c with itself", 1, 2],
      ["c, not merged", 2, 2],
      ["a, not merged", 1, 1],
    ]);
  });

  it("tells many adapters by those that are missing", () => {
    const inputs = ["a", "b", "c", "d"].map((name) => ({ name }));
    const clusters = [
      [0, 1, 2, 3],
      [0, 1, 3],
      [1, 3],
    ].map((from) => ({ members: from.map((input) => [input, 0]) }));
    const report = { inputs, modules: [{ clusters }] } as unknown as MergeReport;
    expect(compositions(report).map(([what]) => what)).toEqual(["all 4", "all but c", "b + d"]);
    const three = { inputs: inputs.slice(0, 3), modules: [{ clusters: [{ members: [0, 1, 2].map((t) => [t, 0]) }] }] };
    expect(compositions(three as unknown as MergeReport).map(([what]) => what)).toEqual(["a + b + c"]);
  });

  it("names adapters in the order of the inputs, also where there are more than ten", () => {
    const inputs = Array.from({ length: 11 }, (_, t) => ({ name: `a${t}` }));
    const modules = [
      {
        clusters: [
          {
            members: [
              [10, 0],
              [2, 0],
              [9, 0],
            ],
          },
        ],
      },
    ];
    expect(compositions({ inputs, modules } as unknown as MergeReport)).toEqual([["a2 + a9 + a10", 1, 3]]);
  });
});

describe("the page of a report", () => {
  const rowsOf = (page: string): string[][] =>
    [...page.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
      [...row!.matchAll(/<t[dh]>(.*?)<\/t[dh]>/g)].map(([, cell]) => cell!),
    );

  it("shows adapters, compositions and modules with their figures", async () => {
    // Deltas of norm 3 and 4 at right angles in q; k is the first adapter's alone.
    const k = { A: [[1, 0]], B: [[2], [0]] };
    const three = await openPico("<three>", { modules: { q: { A: [[3, 0]], B: [[1], [0]] }, k } });
    const four = await openPico("four", { modules: { q: { A: [[0, 4]], B: [[0], [1]] } } });
    const { report } = await mergeInMemory([three, four], { method: "lego", target: { kind: "rank", rank: 2 } });
    const page = reportPage(report);
    expect(page).toContain("<h1>lego, rank 2: 2 modules, f32, ");
    const rows = rowsOf(page);
    expect(rows[0]).toEqual(["adapter", "weight", "modules", "cosine with the result", "share in it"]);
    expect(rows.slice(1, 3).map((row) => row.slice(0, 3))).toEqual([
      ["&#60;three&#62;", "1", "2"],
      ["four", "1", "1"],
    ]);
    expect(rows).toContainEqual(["&#60;three&#62;, not merged", "2", "2"]);
    expect(rows).toContainEqual(["k", "1", "1.000", "1.000", "1.000", "-"]);
    // |(3, 4)| is 5, so the cosines are 9 / 15 and 16 / 20.
    const normRatio = report.modules[1]!.normRatio!.toFixed(3);
    expect(rows).toContainEqual(["q", "2", normRatio, "1.000", "0.600", "0.800"]);
    expect(page).not.toContain("Warnings");
    const twice = await mergeInMemory([three, four], { method: "cat", scale: 2 });
    const unclustered = reportPage(twice.report);
    expect(unclustered).toContain("Factor 2.000, norm ratio");
    expect(
      rowsOf(unclustered)
        .slice(1, 3)
        .map((row) => row[4]),
    ).toEqual(["200%", "200%"]);
    expect(unclustered).not.toContain("What merged with what");
  });

  it("lists warnings", async () => {
    const zero = await openPico("zero & co", { modules: { q: { A: [[1, 2]], B: [[0], [0]] } } });
    const { report } = await mergeInMemory([zero], {});
    expect(reportPage(report)).toContain("<li>zero &#38; co changes nothing: all its deltas are zero.</li>");
  });
});
