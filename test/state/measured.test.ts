import { expect, it } from "vitest";
import { defaultsOf } from "../../src/methods/method.ts";
import { methodById } from "../../src/methods/registry.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { measuredAccuracy } from "../../web/state/measured.ts";

const input = (name: string) => ({
  ...{ name, sha256: null, weight: 1, baseModel: "lora-lego/minibench-llama", modules: 28, unknownFields: [] },
});
const TASKS = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const DEFAULTS: Record<string, object> = { lego: defaultsOf(methodById("lego")) as object };
const auto = { factor: 0.5, rule: "pull", pull: 0.5, response: 0.9, norm: 0.4 };

/** The report of the merge that was measured, with some fields changed. */
function reportOf(change: object): MergeReport {
  return {
    inputs: TASKS.map(input),
    options: { method: "tsv", scale: 0.5 },
    autoScale: auto,
    modules: Array.from({ length: 28 }, () => ({
      name: "model.layers.0.self_attn.q_proj",
      inputRanks: TASKS.map(() => 6),
    })),
    totals: { rank: 6, modules: 28 },
    ...change,
  } as unknown as MergeReport;
}

it("names what was measured for the very merge: with the computed factor, or as merged", () => {
  expect(measuredAccuracy(reportOf({}))).toBe(95.1);
  expect(measuredAccuracy(reportOf({ autoScale: null, options: { method: "tsv", scale: 1 } }))).toBe(93.9);
});

it("names what was measured at other ranks, as merged and with the computed factor", () => {
  const at = (method: string, rank: number, autoScale: object | null) =>
    measuredAccuracy(reportOf({ autoScale, options: { ...DEFAULTS[method], method }, totals: { rank, modules: 28 } }));
  expect(at("lego", 12, null)).toBe(94.1);
  expect(at("lego", 1, null)).toBe(76.4);
  expect(at("tsv", 42, null)).toBe(89.2);
  expect(at("tsv", 3, auto)).toBe(94.4);
  expect(at("tsv", 12, auto)).toBe(95.6);
});

it.each([
  ["a rank that was not measured", { totals: { rank: 7, modules: 28 } }],
  ["a rank that was measured as merged alone", { totals: { rank: 42, modules: 28 } }],
  ["fewer adapters", { inputs: TASKS.slice(1).map(input) }],
  ["another base model", { inputs: TASKS.map((name) => ({ ...input(name), baseModel: "llama" })) }],
  ["another weight", { inputs: TASKS.map((name, t) => ({ ...input(name), weight: t + 1 })) }],
  [
    "adapters of other ranks",
    { modules: [{ name: "model.layers.0.self_attn.q_proj", inputRanks: [6, 6, 6, 6, 6, 6, 32] }] },
  ],
  ["fewer modules", { totals: { rank: 6, modules: 8 } }],
  ["a factor that was chosen", { autoScale: null }],
  ["a factor that no computed one was measured for", { options: { method: "svd" } }],
  ["other options", { options: { method: "ties", density: 0.9 } }],
  ["a method that was not measured", { options: { method: "cat" } }],
])("names none for %s", (_, change) => {
  expect(measuredAccuracy(reportOf(change))).toBeNull();
});
