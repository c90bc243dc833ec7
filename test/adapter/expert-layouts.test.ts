import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { underOneStack } from "../../src/adapter/weights/under-one-stack.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { baseConfig } from "../support/base-config.ts";
import { CASES_ABSENT, caseConfig, casePath, hasCases } from "../support/cases.ts";
import { type ExpertFactors, expertDeltas, flatFactors, moduleDelta } from "../support/experts.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import {
  decodeAdapter,
  encodeTensor,
  type Nested,
  openPico,
  product,
  randomAdapter,
  relativeError,
} from "../support/pico.ts";
import { written } from "../support/written.ts";

const LAYER = "model.layers.0.mlp";
const EXPERTS = 3;
const RANK = 2;
const SIZES = { gate_proj: { in: 4, out: 5 }, up_proj: { in: 4, out: 5 }, down_proj: { in: 5, out: 4 } };
type Projection = keyof typeof SIZES;
const PROJECTIONS = Object.keys(SIZES) as Projection[];

/** Random factors of every projection of every expert. */
function factors(seed: number): Record<Projection, ExpertFactors[]> {
  const names = PROJECTIONS.flatMap((own) => Array.from({ length: EXPERTS }, (_, e) => `${own}.${e}`));
  const modules = Object.fromEntries(
    names.map((name) => [name, { ...SIZES[name.split(".")[0] as Projection], rank: RANK }]),
  );
  const made = randomAdapter(seed, { modules }).modules;
  const of = (own: Projection) =>
    Array.from({ length: EXPERTS }, (_, e) => made[`${own}.${e}`] as unknown as ExpertFactors);
  return Object.fromEntries(PROJECTIONS.map((own) => [own, of(own)])) as Record<Projection, ExpertFactors[]>;
}

function deltaOf({ A, B }: ExpertFactors): Float64Array {
  const [a, b] = [A, B].map((rows) => Float64Array.from(rows.flat(), Math.fround)) as [Float64Array, Float64Array];
  return product(b, a, B.length, A.length, A[0]!.length);
}

const ALPHA = { r: RANK, lora_alpha: 2 * RANK };

function openTensors(
  name: string,
  tensors: Readonly<Record<string, Nested>>,
  config: object,
  file = "adapter_model.safetensors",
) {
  const data = Object.entries(tensors).map(([key, values]) => encodeTensor(key, values));
  const files = { "adapter_config.json": JSON.stringify(config), [file]: encodeSafetensors(data, { format: "pt" }) };
  return openAdapter(memoryFolder(name, files));
}

/** The same factors in every layout that has gate and up apart. */
const LAYOUTS = {
  "one module for each expert": (own: Record<Projection, ExpertFactors[]>) => {
    const entries = PROJECTIONS.flatMap((p) => own[p].map((one, e) => [`${LAYER}.experts.${e}.${p}`, one] as const));
    return openPico("single", { modules: Object.fromEntries(entries) as never, config: ALPHA });
  },
  "mlx-lm's switch_mlp": (own: Record<Projection, ExpertFactors[]>) => {
    const entries = PROJECTIONS.flatMap((p) => [
      [`${LAYER}.switch_mlp.${p}.lora_a`, own[p].map(({ A }) => A)] as const,
      [`${LAYER}.switch_mlp.${p}.lora_b`, own[p].map(({ B }) => B)] as const,
    ]);
    const config = { fine_tune_type: "lora", num_layers: -1, lora_parameters: { rank: RANK, scale: 2, dropout: 0 } };
    return openTensors("mlx", Object.fromEntries(entries), config, "adapters.safetensors");
  },
  "SGLang's three dimensions": (own: Record<Projection, ExpertFactors[]>) => {
    const entries = PROJECTIONS.flatMap((p) => [
      [`base_model.model.${LAYER}.experts.${p}.lora_A.weight`, own[p].map(({ A }) => A)] as const,
      [`base_model.model.${LAYER}.experts.${p}.lora_B.weight`, own[p].map(({ B }) => B)] as const,
    ]);
    return openTensors("sglang", Object.fromEntries(entries), {
      peft_type: "LORA",
      target_modules: PROJECTIONS,
      ...ALPHA,
    });
  },
};

/** PEFT's parameters of all experts: gate and up stacked, a rank of their own each. */
function flat(own: Record<Projection, ExpertFactors[]>): Promise<Adapter> {
  const [zeros, width] = [Array<number>(RANK).fill(0), SIZES.gate_proj.out];
  const gateUp = own.gate_proj.map((gate, e) => ({
    A: [...gate.A, ...own.up_proj[e]!.A],
    B: Array.from({ length: 2 * width }, (_, o) =>
      o < width ? [...gate.B[o]!, ...zeros] : [...zeros, ...own.up_proj[e]!.B[o - width]!],
    ),
  }));
  const modules = {
    [`${LAYER}.experts.base_layer`]: flatFactors(gateUp),
    [`${LAYER}.experts`]: flatFactors(own.down_proj),
  };
  const config = {
    ...ALPHA,
    rank_pattern: { "experts.gate_up_proj": 2 * RANK },
    alpha_pattern: { "experts.gate_up_proj": 4 * RANK },
    target_modules: [],
    target_parameters: ["experts.gate_up_proj", "experts.down_proj"],
  };
  return openPico("flat", { modules, config });
}

describe.each(Object.entries(LAYOUTS))("experts as %s", (_, open) => {
  const own = factors(1);

  it("are a module each, with the same deltas", async () => {
    const adapter = await open(own);
    expect(adapter.modules.size).toBe(3 * EXPERTS);
    for (const p of PROJECTIONS) {
      for (const [e, one] of own[p].entries()) {
        const module = adapter.modules.get(`${LAYER}.experts.${e}.${p}`)!;
        expect(module.scale).toBe(2);
        expect(
          relativeError(
            await moduleDelta(adapter, module),
            deltaOf(one).map((x) => 2 * x),
          ),
          module.name,
        ).toBeLessThan(1e-6);
      }
    }
  });

  it("merge with PEFT's parameters, gate and up stacked", async () => {
    const others = factors(2);
    const { config, weights } = await mergeInMemory([await open(own), await flat(others)], { method: "cat" });
    expect(config).toMatchObject({
      target_modules: [],
      target_parameters: ["experts.down_proj", "experts.gate_up_proj"],
    });
    const r = (config as { r: number }).r * EXPERTS;
    const { modules } = decodeAdapter(
      JSON.stringify({ ...config, r, lora_alpha: ((config as { lora_alpha: number }).lora_alpha / (r / EXPERTS)) * r }),
      weights,
    );
    const sum = (p: Projection, e: number) => {
      const [one, other] = [deltaOf(own[p][e]!), deltaOf(others[p][e]!)];
      return one.map((value, i) => 2 * (value + other[i]!));
    };
    const [gateUp, down] = [`${LAYER}.experts.base_layer`, `${LAYER}.experts`].map((key) =>
      expertDeltas(modules.get(key)!, EXPERTS),
    );
    for (let e = 0; e < EXPERTS; e++) {
      expect(relativeError(down![e]!, sum("down_proj", e))).toBeLessThan(1e-6);
      expect(relativeError(gateUp![e]!, Float64Array.of(...sum("gate_proj", e), ...sum("up_proj", e)))).toBeLessThan(
        1e-6,
      );
    }
  });

  it("merge among themselves as modules of single experts", async () => {
    const { config, weights } = await mergeInMemory([await open(own), await open(factors(2))], { method: "cat" });
    expect(config).not.toHaveProperty("target_parameters");
    expect(decodeAdapter(JSON.stringify(config), weights).modules.size).toBe(3 * EXPERTS);
  });
});

describe("experts in other layouts", () => {
  it("of vLLM's three dimensions are PEFT's parameters", async () => {
    const own = factors(1).down_proj;
    const { A, B } = flatFactors(own) as { A: number[][]; B: number[][] };
    const key = `base_model.model.${LAYER}.experts`;
    const cube = (rows: readonly number[][], size: number): Nested =>
      Array.from({ length: rows.length / size }, (_, i) => rows.slice(i * size, (i + 1) * size));
    const tensors = {
      [`${key}.lora_A.weight`]: cube(A, RANK),
      [`${key}.lora_B.weight`]: B.map(
        (row) =>
          cube(
            row.map((value) => [value]),
            EXPERTS,
          ) as number[][][],
      ).map((row) => row.map((r) => r.flat())),
    };
    const config = { peft_type: "LORA", target_modules: [], target_parameters: ["experts.down_proj"], ...ALPHA };
    const adapter = await openTensors("vllm", tensors, config);
    expect([...adapter.modules.keys()]).toEqual([0, 1, 2].map((e) => `${LAYER}.experts.${e}.down_proj`));
    for (const [e, one] of own.entries()) {
      const module = adapter.modules.get(`${LAYER}.experts.${e}.down_proj`)!;
      expect(
        relativeError(
          await moduleDelta(adapter, module),
          deltaOf(one).map((x) => 2 * x),
        ),
      ).toBeLessThan(1e-6);
    }
    const check = (id: string) => checkOpened(adapter, consumerById(id));
    expect(check("peft").findings.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /no place for factors of all experts in one tensor of three dimensions .*; write them as PEFT saves them/,
      ),
    ]);
    expect(check("vllm").unseen).toContainEqual(
      expect.stringMatching(/how vLLM .* handles factors of all experts in one tensor/),
    );
  });

  it("share a factor where SGLang has one for all", async () => {
    const own = factors(1).down_proj;
    const tensors = {
      [`base_model.model.${LAYER}.experts.w2.lora_A.weight`]: own.map(({ A }) => A),
      [`base_model.model.${LAYER}.experts.w2.lora_B.weight`]: [own[0]!.B],
    };
    const adapter = await openTensors("shared", tensors, { peft_type: "LORA", target_modules: ["w2"], ...ALPHA });
    for (const [e, { A }] of own.entries()) {
      const module = adapter.modules.get(`${LAYER}.experts.${e}.w2`)!;
      const expected = deltaOf({ A, B: own[0]!.B }).map((x) => 2 * x);
      expect(relativeError(await moduleDelta(adapter, module), expected)).toBeLessThan(1e-6);
    }
  });

  const [A, B] = [
    [[[1, 2]], [[3, 4]]],
    [
      [[1], [2], [3]],
      [[4], [5], [6]],
    ],
  ] as const;

  it.each([
    ["as many experts", A, [...B, B[0]]],
    ["as many experts, of which A has more", [...A, A[0]], B],
    ["as many units", A, B.map((own) => own.map(([x]) => [x!, x!]))],
  ] as const)("are refused where A and B do not have %s", async (_, a, b) => {
    const tensors = {
      [`base_model.model.${LAYER}.experts.w2.lora_A.weight`]: a as Nested,
      [`base_model.model.${LAYER}.experts.w2.lora_B.weight`]: b as Nested,
    };
    const refused = openTensors("odd", tensors, { peft_type: "LORA", target_modules: ["w2"], r: 1 });
    await expect(refused).rejects.toThrow(
      /experts\.w2 has factors that no experts have .*; expected A \(experts, r, in\)/,
    );
  });

  it("are parts of one parameter where gate and up are one weight", async () => {
    const key = `base_model.model.${LAYER}.experts`;
    const tensors = {
      [`${key}.gate_up_proj.lora_A.weight`]: A,
      [`${key}.gate_up_proj.lora_B.weight`]: B,
      [`${key}.down_proj.lora_A.weight`]: A,
      [`${key}.down_proj.lora_B.weight`]: B,
    };
    const adapter = await openTensors("fused", tensors, { peft_type: "LORA", target_modules: ["x"], r: 1 });
    expect(Array.from(adapter.modules.values(), ({ name, parameter }) => [name, parameter])).toEqual(
      ["down_proj", "gate_up_proj"].flatMap((own) =>
        [0, 1].map((e) => [`${LAYER}.experts.${e}.${own}`, { name: own, experts: 2 }]),
      ),
    );
  });

  it("of PEFT's parameters become mlx-lm's, gate and up apart, and come back", async () => {
    const own = factors(1);
    const config = baseConfig({ model_type: "qwen3_moe", num_experts: EXPERTS, tie_word_embeddings: false });
    const files = await written(await flat(own), "mlx", config);
    const back = await openAdapter(memoryFolder("back", files));
    expect(back.modules.size).toBe(3 * EXPERTS);
    for (const p of PROJECTIONS) {
      for (const [e, one] of own[p].entries()) {
        const module = back.modules.get(`${LAYER}.experts.${e}.${p}`)!;
        expect(
          relativeError(
            await moduleDelta(back, module),
            deltaOf(one).map((x) => 2 * x),
          ),
          module.name,
        ).toBeLessThan(1e-6);
      }
    }
  });

  it("of gpt-oss get the rows of gate and up in turn where one has them apart", async () => {
    const named = { ...(await LAYOUTS["one module for each expert"](factors(1))), baseModel: "openai/gpt-oss-20b" };
    const unnamed = await LAYOUTS["one module for each expert"](factors(1));
    const router = { ...unnamed.modules.get(`${LAYER}.experts.0.down_proj`)!, name: `${LAYER}.router` };
    const routed = { ...unnamed, modules: new Map([...unnamed.modules, [router.name, router]]) };
    const parameters = await flat(factors(2));
    for (const single of [named, routed]) {
      const [adapter] = underOneStack([single, parameters], [true, true]);
      for (let e = 0; e < EXPERTS; e++) {
        const deltas = (p: string) => moduleDelta(single, single.modules.get(`${LAYER}.experts.${e}.${p}`)!);
        const [gate, up] = [await deltas("gate_proj"), await deltas("up_proj")];
        const both = adapter!.modules.get(`${LAYER}.experts.${e}.gate_up_proj`)!;
        const rows = Array.from({ length: both.out }, (_, row) =>
          (row % 2 === 0 ? gate : up).subarray(Math.floor(row / 2) * both.in, (Math.floor(row / 2) + 1) * both.in),
        );
        const expected = Float64Array.from(rows.flatMap((row) => Array.from(row)));
        expect(relativeError(await moduleDelta(adapter!, both), expected)).toBeLessThan(1e-6);
      }
    }
  });

  it("of more experts than the others have are refused", async () => {
    const single = await LAYOUTS["one module for each expert"](factors(1));
    const module = single.modules.get(`${LAYER}.experts.0.down_proj`)!;
    const name = `${LAYER}.experts.7.down_proj`;
    const more = { ...single, modules: new Map([...single.modules, [name, { ...module, name }]]) };
    const parameters = await flat(factors(2));
    expect(() => makePlan([more, parameters], {})).toThrow(/experts\.7\.down_proj, but flat has 3 experts/);
  });
});

describe.skipIf(!hasCases)(`public cases of experts${CASES_ABSENT}`, () => {
  it("mlx-moe is read", async () => {
    const { adapter, close } = await openAdapterPath(casePath("llm/mlx-moe/a"));
    close();
    expect(adapter.modules.has("model.layers.0.mlp.experts.0.gate_proj")).toBe(true);
  });

  it("target-parameters, whose A takes the outputs as older releases of PEFT had it, merges with its like alone", async () => {
    const open = async (path: string) => {
      const { adapter, close } = await openAdapterPath(casePath(`llm/${path}`));
      close();
      return adapter;
    };
    const [one, other, single] = [
      await open("target-parameters/a"),
      await open("target-parameters/b"),
      await open("moe-per-expert/a"),
    ];
    expect(makePlan([one, other], {}).config).toMatchObject({
      target_parameters: ["mlp.experts.down_proj", "mlp.experts.gate_up_proj"],
    });
    expect(() => makePlan([one, single], { allowPartial: true })).toThrow(
      /gate_up_proj is 48 -> 32 and \S+down_proj is 32 -> 24, which do not follow each other; .* it does not merge with /,
    );
    await expect(written(one, "mlx", caseConfig("llm/bases/qwen3moe/config.json"))).rejects.toThrow(
      /has width 48, but .* hidden size 32/,
    );
  });
});
