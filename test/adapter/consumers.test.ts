import { describe, expect, it } from "vitest";
import {
  CONSUMER_IDS,
  type Consumer,
  consumerById,
  isOneHead,
  missingLayers,
  paddedRank,
  placeOf,
  startedFor,
} from "../../src/adapter/consumers.ts";
import { expertGap, expertOf, stackedModules, stackedParameter } from "../../src/adapter/experts.ts";
import { stackGaps } from "../../src/adapter/stacked.ts";
import { UsageError } from "../../src/core/errors.ts";

describe("a consumer", () => {
  it("is found by its id, and no other", () => {
    for (const id of CONSUMER_IDS) expect(consumerById(id).id).toBe(id);
    expect(() => consumerById("vlm")).toThrow(UsageError);
    expect(() => consumerById("vlm")).toThrow('no consumer "vlm"; choose one of vllm, sglang,');
  });

  const taking = (ranks: readonly number[] | null, mostRank: number | null, startRank: Consumer["startRank"] = null) =>
    ({ title: "Server", ranks, mostRank, startRank }) as Consumer;

  it("takes the next rank that it has, up to its largest", () => {
    expect([1, 9, 64].map((rank) => paddedRank(taking(null, null), rank))).toEqual([1, 9, 64]);
    expect([1, 8, 9, 16, 17].map((rank) => paddedRank(taking([8, 16], null), rank))).toEqual([8, 8, 16, 16, null]);
    expect([5, 6].map((rank) => paddedRank(taking(null, 5), rank))).toEqual([5, null]);
  });

  it("is started with the least of its options that holds the rank", () => {
    expect(startedFor(taking(null, null), 9)).toBeNull();
    const start = { option: "--most", offered: [8, 16, 32], default: 16 };
    const said = (rank: number) => startedFor(taking(null, 32, start), rank);
    expect([8, 9, 16].map(said)).toEqual([
      "Server takes rank 8 with --most 8 or more; its default, 16, is enough.",
      "Server takes rank 9 with --most 16 or more; its default, 16, is enough.",
      "Server takes rank 16 with --most 16 or more; its default, 16, is enough.",
    ]);
    expect(said(17)).toBe("start Server with --most 32 or more (its default is 16).");
  });
});

describe("one head", () => {
  it.each([
    [["base_model.model.score.weight"], true],
    [["classifier.weight", "classifier.bias"], true],
    [["score.bias"], false],
    [["score.weight", "classifier.weight"], false],
    [["score.weight", "lm_head.weight"], false],
    [["underscore.weight"], false],
    [["score.weight.more"], false],
    [[], false],
  ])("%j: %s", (keys, one) => {
    expect(isOneHead(keys)).toBe(one);
  });
});

describe("places of modules", () => {
  it("are the first number of a path, and the path around it", () => {
    expect(placeOf("model.layers.12.block.3.q")).toEqual({ type: "model.layers.*.block.3.q", layer: 12 });
    expect([placeOf("model.q"), placeOf("3.q"), placeOf("model.layers.3")]).toEqual([null, null, null]);
  });

  it("show the layers that a type lacks, up to the last one of any type", () => {
    const missing = missingLayers(["m.0.q", "m.2.q", "m.1.k", "m.0.v", "m.1.v", "m.2.v", "head"]);
    expect([...missing]).toEqual([
      ["m.*.q", [1]],
      ["m.*.k", [0, 2]],
    ]);
    expect(missingLayers(["head"]).size).toBe(0);
    expect(missingLayers(["m.0.q", "m.0.k"]).size).toBe(0);
  });
});

describe("stacked layers", () => {
  it("want v beside q, q beside k and v, and gate beside up", () => {
    const gaps = (...names: string[]) => stackGaps(names).map(({ lacking, beside, alike }) => [lacking, beside, alike]);
    expect(gaps("l.q_proj", "l.k_proj", "l.v_proj", "l.gate_proj", "l.up_proj", "l.o_proj")).toEqual([]);
    expect(gaps("l.q_proj", "l.v_proj", "l.gate_proj")).toEqual([]);
    expect(gaps("l.q_proj")).toEqual([["l.v_proj", "l.q_proj", null]]);
    expect(gaps("l.q_proj", "l.k_proj")).toEqual([["l.v_proj", "l.k_proj", "l.k_proj"]]);
    expect(gaps("l.v_proj")).toEqual([["l.q_proj", "l.v_proj", null]]);
    expect(gaps("l.k_proj")).toEqual([
      ["l.q_proj", "l.k_proj", null],
      ["l.v_proj", "l.k_proj", "l.k_proj"],
    ]);
    expect(gaps("up_proj", "e.w3")).toEqual([
      ["gate_proj", "up_proj", "up_proj"],
      ["e.w1", "e.w3", "e.w3"],
    ]);
  });
});

describe("experts", () => {
  it("are told from their path", () => {
    expect(expertOf("m.0.mlp.experts.12.up_proj")).toEqual({ layer: "m.0.mlp", expert: 12, projection: "up_proj" });
    for (const other of ["m.0.mlp.experts.up_proj", "m.experts.01.w1", "experts.1.w1", "m.experts.1.a.b", "m.w1"]) {
      expect([other, expertOf(other)]).toEqual([other, null]);
    }
  });

  it("share their rank with the router of their layer alone", () => {
    const names = ["a.experts.0.w1", "a.gate", "b.gate", "a.shared.w1"];
    expect([...stackedModules(names.map((name) => ({ name })))]).toEqual(["a.experts.0.w1", "a.gate"]);
  });

  it("are parts of two parameters, in both namings", () => {
    const parts = ["w1", "w3", "gate_proj", "up_proj", "w2", "down_proj", "w4"].map(stackedParameter);
    const both = "gate_up_proj";
    expect(parts).toEqual([both, both, both, both, "down_proj", "down_proj", null]);
  });

  it("lack what makes their stack whole, unless down is adapted alone", () => {
    const gap = (...projections: string[]) => expertGap(projections.map((own) => `l.experts.0.${own}`));
    expect(gap("w1", "w2", "w3")).toBeNull();
    expect(gap("w2")).toBeNull();
    expect(gap("gate_proj", "up_proj", "down_proj")).toBeNull();
    expect(gap("w1")).toEqual({ layer: "l", lacks: "w3 and w2" });
    expect(gap("w3", "w2")).toEqual({ layer: "l", lacks: "w1" });
    expect(gap("up_proj", "gate_proj")).toEqual({ layer: "l", lacks: "down_proj" });
    // What one expert lacks, another may have: they are one parameter.
    expect(expertGap(["l.experts.0.w1", "l.experts.1.w3", "l.experts.0.w2"])).toBeNull();
    expect(expertGap(["l.0.mlp.w1"])).toBeNull();
  });
});
