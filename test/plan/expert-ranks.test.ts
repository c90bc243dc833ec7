import { describe, expect, it } from "vitest";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { CASES_ABSENT, casePath, hasCases } from "../support/cases.ts";
import { decodeAdapter, openPico, type PicoModule, randomAdapter, relativeError } from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";
import { written } from "../support/written.ts";

const LAYER = "model.layers.0.block_sparse_moe";
const QUERY = "model.layers.0.self_attn.q_proj";
const expert = (e: number, w: string): string => `${LAYER}.experts.${e}.${w}`;
const SIZE = { in: 9, out: 8 };

/** A module of rank 6 of which `own` units say something; the others are zero. */
function ofRank(own: number, seed: number): PicoModule {
  const { A, B } = randomAdapter(seed, { modules: { x: { ...SIZE, rank: 6 } } }).modules.x!;
  const keep = (rows: PicoModule["A"], along: "rows" | "columns") =>
    (rows as number[][]).map((row, i) => row.map((v, j) => ((along === "rows" ? i : j) < own ? v : 0)));
  return { A: keep(A, "rows"), B: keep(B, "columns") };
}

/** Two experts of all projections, their router and a query, each with as many live units as told. */
const mixture = (ranks: Readonly<Record<string, number>>) => ({
  modules: Object.fromEntries(Object.entries(ranks).map(([name, own], i) => [name, ofRank(own, 10 + i)])),
});

const RANKS = {
  [expert(0, "w1")]: 1,
  [expert(0, "w2")]: 2,
  [expert(0, "w3")]: 3,
  [expert(1, "w1")]: 4,
  [expert(1, "w2")]: 1,
  [expert(1, "w3")]: 2,
  [`${LAYER}.gate`]: 2,
  [QUERY]: 6,
};

const SHRINKING: [string, Recipe][] = [
  ["resize", { method: "svd", target: { kind: "rank", rank: 6 } }],
  ["resize by energy", { method: "svd", target: { kind: "energy", rule: "sv_fro", threshold: 1 - 1e-9 } }],
  ["prune", { method: "lego", target: { kind: "rank", rank: 6 } }],
  ["cat", { method: "cat" }],
];

describe("experts of one adapter", () => {
  it.each(SHRINKING)("come to one rank by %s, that of the config, the deltas unchanged", async (_, recipe) => {
    const pico = mixture(RANKS);
    const { config, weights } = await mergeInMemory([await openPico("mine", pico)], {
      ...recipe,
      rankLayout: "pattern",
    });
    const { modules } = decodeAdapter(JSON.stringify(config), weights);
    const ranks = Object.fromEntries(Array.from(modules, ([name, { rank }]) => [name, rank]));
    expect(ranks).toEqual({ ...Object.fromEntries(Object.keys(RANKS).map((name) => [name, 4])), [QUERY]: 6 });
    expect(config).toMatchObject({ r: 4, lora_alpha: 4, rank_pattern: { [QUERY]: 6 }, alpha_pattern: { [QUERY]: 6 } });
    for (const [name, { delta }] of modules) {
      const { config: one, weights: alone } = await mergeInMemory(
        [await openPico("one", { modules: { [name]: pico.modules[name]! } })],
        { method: "cat" },
      );
      const own = decodeAdapter(JSON.stringify(one), alone).modules.get(name)!;
      expect(relativeError(delta, own.delta)).toBeLessThan(1e-6);
    }
  });

  it("keep their rank in the config of a converted adapter, however many others have another", async () => {
    const others = Object.fromEntries(
      [1, 2, 3].map((i) => [`model.layers.${i}.self_attn.q_proj`, { ...SIZE, rank: 2 }]),
    );
    const modules = { ...others, [expert(0, "w1")]: { ...SIZE, rank: 3 } };
    const config = { r: 2, lora_alpha: 4, rank_pattern: { [expert(0, "w1")]: 3 } };
    const adapter = await openPico("mine", randomAdapter(1, { modules, config }));
    const fields = loadedWriter("peft").convert(adapter, null).config!.fields;
    expect(fields).toMatchObject({ r: 3, lora_alpha: 4 });
    expect(Object.keys(fields.rank_pattern as object)).toEqual(Object.keys(others));
  });

  it.each([
    ["one scale, which stays in the config", {}, { r: 3, lora_alpha: 6 }],
    ["several scales, which move into B", { [expert(1, "w2")]: 1 }, { r: 3, lora_alpha: 3 }],
  ])("come to one rank in a converted adapter, at %s", async (_, own, fields) => {
    const ranks = {
      [expert(0, "w1")]: 1,
      [expert(0, "w2")]: 2,
      [expert(1, "w2")]: 3,
      [`${LAYER}.gate`]: 2,
      [QUERY]: 4,
    };
    const modules = Object.fromEntries(Object.entries(ranks).map(([name, rank]) => [name, { ...SIZE, rank }]));
    const scaled = Object.fromEntries(Object.entries(ranks).map(([name, rank]) => [name, own[name] ?? 2 * rank]));
    const config = { r: 1, rank_pattern: ranks, alpha_pattern: scaled };
    const adapter = await openPico("mine", randomAdapter(1, { modules, config }));
    const files = await written(adapter, "peft");
    const after = decodeAdapter(
      files["adapter_config.json"] as string,
      files["adapter_model.safetensors"] as Uint8Array,
    );
    const stacked = [...after.modules].filter(([name]) => name !== QUERY);
    expect(stacked.map(([name, { rank }]) => [name, rank])).toEqual(stacked.map(([name]) => [name, 3]));
    expect(JSON.parse(files["adapter_config.json"] as string)).toMatchObject({
      ...fields,
      rank_pattern: { [QUERY]: 4 },
      alpha_pattern: { [QUERY]: 8 },
    });
    const same = await mergeInMemory([adapter], { method: "cat", rankLayout: "pattern" });
    const before = decodeAdapter(JSON.stringify(same.config), same.weights);
    for (const [name, { delta }] of after.modules)
      expect(relativeError(delta, before.modules.get(name)!.delta), name).toBeLessThan(1e-6);
  });

  it.each([
    [["w1"], /experts of .*block_sparse_moe have no w3 and w2/],
    [["w1", "w3"], /have no w2/],
    [["gate_proj", "up_proj"], /have no down_proj/],
    [["up_proj", "down_proj"], /have no gate_proj/],
  ])("of %j are warned of", async (projections, words) => {
    const modules = Object.fromEntries(projections.map((own) => [expert(0, own), SIZE]));
    const { warnings } = makePlan([await openPico("mine", randomAdapter(1, { modules }))], {});
    expect(warnings.map(({ id }) => id)).toEqual(["experts-incomplete"]);
    expect(warnings[0]!.text).toMatch(words);
  });

  it.each([[["w2"]], [["w1", "w2", "w3"]], [["gate_proj", "up_proj", "down_proj"]], [["other"]]])(
    "of %j are not",
    async (projections) => {
      const modules = Object.fromEntries(projections.map((own) => [expert(0, own), SIZE]));
      expect(makePlan([await openPico("mine", randomAdapter(1, { modules }))], {}).warnings).toEqual([]);
    },
  );

  it("are whole for a consumer whose zero factors stand in", async () => {
    const names = ["gate_proj", "up_proj", "down_proj"].map((own) => `model.layers.0.mlp.experts.0.${own}`);
    const modules = Object.fromEntries(
      [...names, "model.layers.1.mlp.experts.0.gate_proj"].map((name) => [name, SIZE]),
    );
    const adapter = await openPico("mine", randomAdapter(1, { modules }));
    const { zeros, warnings } = makePlan([adapter], { for: "tgi" });
    expect(zeros).toHaveLength(2);
    expect(warnings.map((warning) => warning.id)).not.toContain("experts-incomplete");
    expect(makePlan([adapter], {}).warnings.map((warning) => warning.id)).toEqual(["experts-incomplete"]);
  });

  it("leave modules alone that are no experts", async () => {
    const pico = mixture({ "model.layers.0.mlp.gate": 1, "model.layers.0.mlp.up_proj": 3, [QUERY]: 5 });
    const { config } = await mergeInMemory([await openPico("mine", pico)], { method: "svd", rankLayout: "pattern" });
    expect(config).toMatchObject({
      r: 5,
      rank_pattern: { "model.layers.0.mlp.gate": 1, "model.layers.0.mlp.up_proj": 3 },
    });
  });
});

describe.skipIf(!hasCases)(`moe-per-expert${CASES_ABSENT}`, () => {
  it.each(SHRINKING)("has experts of one rank after %s", async (_, recipe) => {
    const { adapter, close } = await openAdapterPath(casePath("llm/moe-per-expert/a"));
    try {
      const target = recipe.target?.kind === "energy" ? { ...recipe.target, threshold: 0.8 } : recipe.target;
      const { config, weights } = await mergeInMemory([adapter], {
        ...recipe,
        ...(target !== undefined && { target }),
        rankLayout: "pattern",
      });
      const { modules } = decodeAdapter(JSON.stringify(config), weights);
      const stacked = [...modules].filter(([name]) => /\.experts\.|mlp\.gate$/.test(name));
      expect(stacked.length).toBeGreaterThan(0);
      expect(new Set(stacked.map(([, { rank }]) => rank))).toEqual(new Set([config.r]));
    } finally {
      close();
    }
  });
});
