import { expect, it } from "vitest";
import { lossShown } from "../../src/report/loss-shown.ts";
import type { MergeReport } from "../../src/report/report.ts";

type Shown = readonly [string, number | null, number | null];

/** @param adapters [name, share, cosine] of each; @param ranks of each in each module, by default one that all have */
function shown(
  adapters: readonly Shown[],
  ranks: readonly (readonly (number | null)[])[] = [adapters.map(() => 4)],
): string {
  return lossShown({
    inputs: adapters.map(([name]) => ({ name })),
    totals: { shares: adapters.map(([, share]) => share), cosines: adapters.map(([, , cosine]) => cosine) },
    modules: ranks.map((inputRanks) => ({ inputRanks })),
    warnings: [],
  } as unknown as MergeReport);
}

it.each([
  [
    "none is",
    [
      ["a", 0.4, 0.6],
      ["b", 0.6, 0.7],
    ],
    "No adapter is lost. The result holds 40% of a to 60% of b.",
  ],
  ["there is one", [["a", 1, 1]], "The result holds 100% of a."],
  [
    "none is of three, and all round alike",
    [
      ["a", 0.541, 0.6],
      ["b", 0.539, 0.7],
      ["c", 0.543, 0.7],
    ],
    "No adapter is lost. The result holds 54% of each.",
  ],
  [
    "one is, and the others round alike",
    [
      ["a", 0.541, 0.6],
      ["b", 0.539, 0.7],
      ["c", 0.5, 0.01],
    ],
    "Practically lost: c (cosine 0.010). The result holds 54% of each other one.",
  ],
  [
    "one is, though the others happen to agree with it",
    [
      ["a", 0.73, 0.01],
      ["b", 0.6, 0.7],
      ["c", 0.5, 0.7],
    ],
    "Practically lost: a (cosine 0.010). The result holds 50% of c to 60% of b.",
  ],
  [
    "all are",
    [
      ["a", 0.02, 0.01],
      ["b", 0.01, 0.02],
    ],
    "Practically lost: a (cosine 0.010), b (cosine 0.020).",
  ],
  [
    "one acts against it",
    [
      ["a", -0.3, -0.5],
      ["b", 0.6, 0.7],
    ],
    "The result works against a. The result holds -30% of a to 60% of b.",
  ],
  [
    "one is amplified",
    [
      ["a", 113.27, 0.6],
      ["b", 0.4, 0.7],
    ],
    "No adapter is lost. a acts at 113 times the strength that it was trained at. The result holds 40% of b.",
  ],
  [
    "one is amplified beyond words",
    [
      ["a", 9.028974e39, 0.6],
      ["b", 0.4, 0.7],
    ],
    "No adapter is lost. a acts at 9.03e+39 times the strength that it was trained at. The result holds 40% of b.",
  ],
  [
    "nine equal ones are added up",
    [
      ["a", 9, 1],
      ["b", 9, 1],
    ],
    "No adapter is lost. The result holds 900% of each.",
  ],
  [
    "nothing is left",
    [
      ["a", 1e-9, 0.5],
      ["b", 2e-9, 0.5],
    ],
    "Hardly anything is left of a (0%), b (0%).",
  ],
  [
    "little is left of one",
    [
      ["a", 0.04, 0.5],
      ["b", 0.4, 0.7],
    ],
    "Hardly anything is left of a (4%). The result holds 40% of b.",
  ],
  ["nothing is changed", [["a", null, null]], "The adapters change nothing."],
] as const)("says whether an adapter is lost: %s", (_, adapters, words) => {
  expect(shown(adapters)).toBe(words);
});

it("says what shares no module, instead of calling it kept", () => {
  const two: readonly Shown[] = [
    ["a", 1, 0.7],
    ["b", 1, 0.7],
  ];
  expect(
    shown(two, [
      [4, null],
      [null, 4],
    ]),
  ).toBe(
    "No two adapters share a module: nothing was merged, and each is in the result by itself. The result holds 100% of each.",
  );
  const three: readonly Shown[] = [...two, ["c", 0.5, 0.5]];
  expect(
    shown(three, [
      [4, null, 4],
      [null, 4, null],
    ]),
  ).toBe(
    "b shares no module with another adapter: nothing was merged there. No other adapter is lost. The result holds 50% of c to 100% of b.",
  );
});
