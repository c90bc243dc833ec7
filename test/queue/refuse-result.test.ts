import { describe, expect, it } from "vitest";
import { noStarts } from "../../src/figures/shared-start.ts";
import type { Job, JobResult } from "../../src/lanes/lane.ts";
import type { ModuleResult } from "../../src/lanes/merger.ts";
import { planMergedOutput } from "../../src/node/merge-adapters.ts";
import { refuseOtherResult, refuseOtherScores } from "../../src/queue/refuse-result.ts";
import { queueInputs } from "../support/queue-inputs.ts";

const { paths } = queueInputs();
const { plan } = await planMergedOutput(paths, { method: "svd" });
const job: Job = { kind: "modules", indices: [1] };
/** What a merge of three adapters of rank 4 says of a module. */
const module: ModuleResult = {
  index: 1,
  rank: 4,
  dead: [[2, 3]],
  largest: { a: new Float64Array(4), b: new Float64Array(4) },
  clusters: [{ members: [[0, 0]], reweight: null }],
  inertia: null,
  shareOfB: null,
  residual: null,
  live: [[0, 4]],
  products: { inputs: new Array<number>(9).fill(1), cross: [1, 1, 1], merged: 1 },
  response: null,
  sum: [2, 1],
  starts: noStarts(3),
};
const resultOf = (changed: Partial<ModuleResult>): JobResult => ({
  kind: "modules",
  results: [{ ...module, ...changed }],
});

describe("results that come through a queue", () => {
  it("are taken from the plan's own inputs, units and ranks", () => {
    expect(() => refuseOtherResult(plan, job, resultOf({}))).not.toThrow();
  });

  it.each<[string, Partial<ModuleResult>]>([
    ["a rank above the plan's", { rank: 5, largest: { a: new Float64Array(5), b: new Float64Array(5) } }],
    ["more units than the result has", { largest: { a: new Float64Array(4), b: new Float64Array(5) } }],
    ["a dead unit of a fourth adapter", { dead: [[3, 0]] }],
    ["a fifth unit of a cluster's adapter", { clusters: [{ members: [[0, 4]], reweight: null }] }],
    ["five live units of rank 4", { live: [[0, 5]] }],
    ["products of two adapters", { products: { inputs: [1, 1, 1, 1], cross: [1, 1], merged: 1 } }],
    ["more singular values than units", { sum: new Array<number>(13).fill(1) }],
    ["starts of two adapters", { starts: noStarts(2) }],
    ["too few products with the result", { products: { ...module.products, cross: [1, 1] } }],
  ])("are refused for %s", (_, changed) => {
    expect(() => refuseOtherResult(plan, job, resultOf(changed))).toThrow(
      "the result of module 1 is none of this plan",
    );
  });

  it.each<[Job, JobResult]>([
    [job, { kind: "extra" }],
    [job, resultOf({ index: 2 })],
    [
      { kind: "hash", input: 0 },
      { kind: "hash", input: 1, sha256: null },
    ],
    [
      { kind: "survey", index: 0 },
      { kind: "survey", index: 1, directions: { scores: [], span: 0 } },
    ],
  ])("are refused for another job: %j", (asked, result) => {
    expect(() => refuseOtherResult(plan, asked, result)).toThrow("the result is of another job");
  });

  it.each([
    ["fewer rows", [[-1, -2]], "the scores are of other rows"],
    ["fewer choices", [[-1, -2], [-1]], "the scores are of other rows"],
    [
      "a probability above 1",
      [
        [-1, -2],
        [0.5, -1],
      ],
      "a log-probability is above 0",
    ],
  ])("hold no scores of %s", (_, scores, why) => {
    const row = { task: "one", prompt: "a", choices: ["yes", "no"], answer: 0 };
    expect(() => refuseOtherScores(scores, [row, row])).toThrow(why);
    expect(() => refuseOtherScores([...scores.slice(0, 1), [-0.5, -1]], [row, row])).not.toThrow();
  });
});
