import { describe, expect, it } from "vitest";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { mergeInMemory, mergeToSink } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { type ExpertFactors, expertDeltas, flatFactors, moduleDelta } from "../support/experts.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { decodeAdapter, openPico, type PicoAdapter, randomAdapter, relativeError } from "../support/pico.ts";

const EXPERTS = 3;
const LAYER = "model.layers.0.mlp.experts";
const QUERY = "model.layers.0.self_attn.q_proj";
/** PEFT's keys: gate_up_proj is inside down_proj. */
const KEYS = { gate_up_proj: `${LAYER}.base_layer`, down_proj: LAYER } as const;
const SIZES = { gate_up_proj: { in: 4, out: 6 }, down_proj: { in: 3, out: 4 } } as const;
const PARAMETERS = ["gate_up_proj", "down_proj"] as const;

/** An adapter of both parameters and a query, and the same as modules of single experts: what its parts mean. */
function mixture(seed: number, ranks: { gate_up_proj: number; down_proj: number }, scale = 1) {
  const names = PARAMETERS.flatMap((own) => Array.from({ length: EXPERTS }, (_, e) => `${LAYER}.${e}.${own}`));
  const sizes = names.map((name) => {
    const own = PARAMETERS.find((parameter) => name.endsWith(parameter))!;
    return [name, { ...SIZES[own], rank: ranks[own] }] as const;
  });
  const single = randomAdapter(seed, {
    modules: { ...Object.fromEntries(sizes), [QUERY]: { in: 4, out: 4, rank: 2 } },
  });
  const of = (own: string) =>
    Array.from({ length: EXPERTS }, (_, e) => single.modules[`${LAYER}.${e}.${own}`] as unknown as ExpertFactors);
  const flat: PicoAdapter = {
    modules: {
      [KEYS.gate_up_proj]: flatFactors(of("gate_up_proj")),
      [KEYS.down_proj]: flatFactors(of("down_proj")),
      [QUERY]: single.modules[QUERY]!,
    },
    config: {
      r: ranks.gate_up_proj,
      lora_alpha: ranks.gate_up_proj * scale,
      rank_pattern: { "experts.down_proj": ranks.down_proj, q_proj: 2 },
      alpha_pattern: { "experts.down_proj": ranks.down_proj * scale, q_proj: 2 * scale },
      target_modules: ["q_proj"],
      target_parameters: PARAMETERS.map((own) => `mlp.experts.${own}`),
    },
  };
  const patterns = (times: number) => Object.fromEntries(sizes.map(([name, { rank }]) => [name, times * rank]));
  const config = {
    r: 2,
    lora_alpha: 2 * scale,
    rank_pattern: patterns(1),
    alpha_pattern: patterns(scale),
    target_modules: ["q_proj"],
  };
  return { flat, single: { ...single, config } };
}

/** The deltas of a merged file by the names of modules, those of parameters taken apart. */
function deltasIn({ config, weights }: { readonly config: object; readonly weights: Uint8Array }) {
  const fields = JSON.parse(JSON.stringify(config));
  const experts = (value: Record<string, number>, common: number, own: string): number =>
    (value[`${LAYER}.${own}`] ?? common) * EXPERTS;
  // As ranks and alphas of the whole tensors, which they divide alike.
  const whole = (field: "rank_pattern" | "alpha_pattern", common: number) => ({
    ...fields[field],
    ...Object.fromEntries(PARAMETERS.map((own) => [KEYS[own], experts(fields[field], common, own)])),
  });
  const text = JSON.stringify({
    ...fields,
    rank_pattern: whole("rank_pattern", fields.r),
    alpha_pattern: whole("alpha_pattern", fields.lora_alpha),
  });
  const { modules } = decodeAdapter(text, weights);
  const deltas = new Map<string, Float64Array>();
  for (const own of PARAMETERS) {
    const module = modules.get(KEYS[own]);
    if (module === undefined) continue;
    for (const [e, delta] of expertDeltas(module, EXPERTS).entries()) deltas.set(`${LAYER}.${e}.${own}`, delta);
  }
  if (modules.has(QUERY)) deltas.set(QUERY, modules.get(QUERY)!.delta);
  return deltas;
}

const A = mixture(1, { gate_up_proj: 2, down_proj: 1 });
const B = mixture(2, { gate_up_proj: 3, down_proj: 2 }, 0.5);

const RECIPES: [string, Recipe][] = [
  ["cat", { method: "cat", weights: [2, -1] }],
  ["svd at a rank", { method: "svd", target: { kind: "rank", rank: 2 } }],
  ["lego", { method: "lego", target: { kind: "rank", rank: 2 } }],
  [
    "svd, ranks by module",
    { method: "svd", rankLayout: "pattern", target: { kind: "energy", rule: "sv_fro", threshold: 0.9 } },
  ],
  ["a budget", { method: "svd", target: { kind: "budget", rank: 2 } }],
  ["lambda that follows from values", { method: "task_arithmetic", scale: "auto" }],
];

describe("experts of parameters", () => {
  it.each(RECIPES)("merge by %s as single experts do", async (_, recipe) => {
    const open = (kind: "flat" | "single") => Promise.all([openPico("a", A[kind]), openPico("b", B[kind])]);
    const [flat, single] = [
      await mergeInMemory(await open("flat"), recipe),
      await mergeInMemory(await open("single"), recipe),
    ];
    const deltas = deltasIn(flat);
    const { modules } = decodeAdapter(JSON.stringify(single.config), single.weights);
    expect([...deltas.keys()].sort()).toEqual([...modules.keys()].sort());
    for (const [name, { delta }] of modules) expect(relativeError(deltas.get(name)!, delta), name).toBeLessThan(1e-6);
    expect(flat.config).toMatchObject({
      target_modules: ["q_proj"],
      target_parameters: ["mlp.experts.down_proj", "mlp.experts.gate_up_proj"],
    });
  });

  it("have one rank in each parameter, and no other", async () => {
    const recipe: Recipe = { method: "cat", rankLayout: "pattern" };
    const { config, plan } = await mergeInMemory([await openPico("a", A.flat)], recipe);
    expect(config).toMatchObject({ r: 2, rank_pattern: { [`${LAYER}.down_proj`]: 1 } });
    expect(new Set(plan.modules.map(({ name, rank }) => `${name.split(".").at(-1)} ${rank}`))).toEqual(
      new Set(["gate_up_proj 2", "down_proj 1", "q_proj 2"]),
    );
  });

  it("are zero where they are left out, whatever lies where the file is written", async () => {
    const adapter = await openPico("a", A.flat);
    const whole = deltasIn(await mergeInMemory([adapter], { method: "cat" }));
    let bytes = new Uint8Array(0);
    const { plan } = await mergeToSink([adapter], { method: "cat", exclude: ["experts.1.*", "q_proj"] }, ({ size }) => {
      bytes = new Uint8Array(size).fill(1);
      return { write: async (offset, piece) => bytes.set(piece, offset) };
    });
    const deltas = deltasIn({ config: plan.config, weights: bytes });
    expect([...deltas.keys()]).not.toContain(QUERY);
    for (const [name, delta] of deltas) {
      const expected = name.includes(".experts.1.") ? new Float64Array(delta.length) : whole.get(name)!;
      expect(delta, name).toEqual(expected);
    }
    expect(plan.config).toMatchObject({
      target_modules: [],
      target_parameters: ["mlp.experts.down_proj", "mlp.experts.gate_up_proj"],
    });
  });

  it("of one parameter alone are the outermost", async () => {
    const recipe: Recipe = { method: "cat", include: ["gate_up_proj"] };
    const { config, weights } = await mergeInMemory([await openPico("a", A.flat)], recipe);
    expect([...decodeAdapter(JSON.stringify({ ...config, r: 6, lora_alpha: 6 }), weights).modules.keys()]).toEqual([
      LAYER,
    ]);
    expect(config).toMatchObject({ target_parameters: ["mlp.experts.gate_up_proj"] });
  });

  it("are read once for all experts, not once for each", async () => {
    const adapter = await openPico("a", A.flat);
    const { b } = adapter.modules.get(`${LAYER}.0.down_proj`)!;
    if (!("strides" in b)) throw new Error("B is stored");
    const [file] = adapter.files;
    let reads = 0;
    const counted = {
      ...memorySource("counted", (file as ReturnType<typeof memorySource>).bytes),
      async read(offset: number, into: Uint8Array) {
        if (offset < b.end && offset + into.length > b.begin) reads++;
        return file!.read(offset, into);
      },
    };
    await mergeInMemory([{ ...adapter, files: [counted] }], { method: "cat" });
    expect(reads).toBe(1);
  });

  it("are written for SGLang in three dimensions, zeros for experts that are left out", async () => {
    const adapter = await openPico("a", mixture(4, { gate_up_proj: 2, down_proj: 2 }, 2).flat);
    const { config, weights } = await mergeInMemory([adapter], {
      method: "cat",
      for: "sglang",
      exclude: ["experts.1.*", "q_proj"],
    });
    const targets = [`${LAYER}.gate_up_proj`, `${LAYER}.down_proj`];
    expect(config).toMatchObject({ target_modules: expect.arrayContaining(targets) });
    expect(config).not.toHaveProperty("target_parameters");
    const folder = memoryFolder("merged", {
      "adapter_config.json": new TextEncoder().encode(JSON.stringify(config)),
      "adapter_model.safetensors": weights,
    });
    const back = await openAdapter(folder);
    for (const own of PARAMETERS) {
      for (let e = 0; e < EXPERTS; e++) {
        const name = `${LAYER}.${e}.${own}`;
        const module = back.modules.get(name)!;
        expect((module.a as { shape?: readonly number[] }).shape).toEqual([EXPERTS, 2, SIZES[own].in]);
        expect((module.b as { shape?: readonly number[] }).shape).toEqual([EXPERTS, SIZES[own].out, 2]);
        const delta = await moduleDelta(back, module);
        if (e === 1) expect(delta.every((value) => value === 0)).toBe(true);
        else expect(relativeError(delta, await moduleDelta(adapter, adapter.modules.get(name)!))).toBeLessThan(1e-6);
      }
    }
    const { findings, unseen } = checkOpened(back, consumerById("sglang"));
    expect(findings).toEqual([]);
    expect(unseen).toContainEqual(expect.stringMatching(/takes LoRA on the experts of the base model/));
    // PEFT takes them flat again.
    const flat = await mergeInMemory([back], { method: "cat", for: "peft" });
    expect(flat.config).toMatchObject({ target_parameters: expect.any(Array) });
    expect(checkOpened(adapter, consumerById("sglang")).findings.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/write them as it takes them/),
    );
  });

  it("are refused for programs that leave parameters out", async () => {
    const adapter = await openPico("a", A.flat);
    expect(() => makePlan([adapter], { for: "tgi" })).toThrow(
      /TGI does not load factors of parameters such as .*experts\.down_proj; leave them out/,
    );
    expect(() => makePlan([adapter], { for: "vllm", include: ["down_proj"] })).toThrow(
      /vLLM takes gate_up_proj and down_proj of experts together .* the result would have down_proj of model\.layers\.0\.mlp\.experts; merge/,
    );
    expect(makePlan([adapter], { for: "vllm" }).config).toMatchObject({ target_parameters: expect.any(Array) });
  });
});
