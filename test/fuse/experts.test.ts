import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { memorySink } from "../../src/core/bytes.ts";
import { openModel } from "../../src/fuse/base-model.ts";
import { planExtraction } from "../../src/fuse/extract.ts";
import { extractionGroups, extractModules } from "../../src/fuse/extract-modules.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { expertDeltas, moduleDelta } from "../support/experts.ts";
import { baseConfig, fusedFiles, fusedTensors } from "../support/fusing.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { decodeAdapter, type Nested, openPico, randomAdapter, relativeError } from "../support/pico.ts";

const GOLDEN = new URL("../golden/consumers/experts/", import.meta.url).pathname;
/** PEFT's deltas: by path, (out, in), or one for each expert. */
const { deltas }: { deltas: Record<string, Record<string, number[][] | number[][][]>> } = JSON.parse(
  readFileSync(join(GOLDEN, "facts.json"), "utf8"),
);

const isCube = (delta: number[][] | number[][][]): delta is number[][][] => Array.isArray(delta[0]![0]);
const turned = (matrix: readonly number[][]): number[][] => matrix[0]!.map((_, j) => matrix.map((row) => row[j]!));
const zeros = (like: Nested): Nested => (typeof like === "number" ? 0 : like.map(zeros));

/** PEFT's deltas as tensors of a model: parameters by their own names, gpt-oss's experts as (in, out). */
function tensorsOf(adapter: string): Record<string, Nested> {
  const oss = adapter.startsWith("gpt_oss");
  const entries = Object.entries(deltas[adapter]!).map(([path, delta]) => {
    const isParameter = isCube(delta) || path.endsWith("_bias") || path.endsWith(".weight");
    const values = isCube(delta) && oss ? delta.map(turned) : delta;
    return [isParameter ? path : `${path}.weight`, values] as const;
  });
  return Object.fromEntries(entries);
}

/** The golden adapter's modules of the layer that PEFT's deltas are of. */
async function openGolden(name: string) {
  const { adapter, close } = await openAdapterPath(join(GOLDEN, name));
  close();
  const modules = new Map([...adapter.modules].filter(([path]) => path.includes("layers.1.")));
  const files = await openAdapterPath(join(GOLDEN, name));
  return { adapter: { ...files.adapter, modules }, close: files.close };
}

describe("experts fused into a base that stacks them", () => {
  it.each(Object.keys(deltas))("%s adds what PEFT adds", async (name) => {
    const { adapter, close } = await openGolden(name);
    const expected = tensorsOf(name);
    const base = await openPicoModel(
      Object.fromEntries(Object.entries(expected).map(([key, values]) => [key, zeros(values)])),
    );
    const fused = await fusedTensors(
      base,
      [adapter],
      {},
      baseConfig({ model_type: name.split("-")[0], tie_word_embeddings: false }),
    );
    close();
    for (const [key, values] of Object.entries(expected)) {
      const flat = Float64Array.from((values as number[][]).flat(3) as number[]);
      expect(relativeError(Float64Array.from(fused[key]!.values), flat), key).toBeLessThan(1e-4);
    }
  });

  it("turns square experts of gpt-oss, which nothing but the model's type shows", async () => {
    const [A, B] = [[[1, 2]], [[3], [4]]];
    const modules = { "model.layers.0.mlp.experts": { A: [...A, ...A], B: B.map(([value]) => [value!, value!]) } };
    const adapter = await openPico("a", {
      modules,
      config: { r: 1, lora_alpha: 1, target_parameters: ["experts.down_proj"] },
    });
    const key = "model.layers.0.mlp.experts.down_proj";
    const base = await openPicoModel({
      [key]: [0, 1].map(() => [
        [0, 0],
        [0, 0],
      ]),
    });
    const fused = async (type: string) =>
      (await fusedTensors(base, [adapter], {}, baseConfig({ model_type: type })))[key]!.values;
    expect(await fused("qwen3_moe")).toEqual([3, 6, 4, 8, 3, 6, 4, 8]);
    expect(await fused("gpt_oss")).toEqual([3, 4, 6, 8, 3, 4, 6, 8]);
  });
});

const LAYER = "model.layers.0.mlp.experts";
const EXPERTS = 2;
/** One expert: gate and up 3 -> 4, down 4 -> 3. */
const SIZES = { gate_proj: { in: 3, out: 4 }, up_proj: { in: 3, out: 4 }, down_proj: { in: 4, out: 3 } };
const single = randomAdapter(4, {
  modules: Object.fromEntries(
    [0, 1].flatMap((e) => Object.entries(SIZES).map(([own, size]) => [`${LAYER}.${e}.${own}`, size])),
  ),
});
const delta = (name: string): number[][] => {
  const { A, B } = single.modules[name] as { A: number[][]; B: number[][] };
  return B.map((row) => A[0]!.map((_, i) => row.reduce((sum, b, j) => sum + b * A[j]![i]!, 0)));
};
const STACKED = {
  [`${LAYER}.gate_up_proj`]: [0, 1].map((e) => [
    ...delta(`${LAYER}.${e}.gate_proj`),
    ...delta(`${LAYER}.${e}.up_proj`),
  ]),
  [`${LAYER}.down_proj`]: [0, 1].map((e) => delta(`${LAYER}.${e}.down_proj`)),
};
const APART = Object.fromEntries(Object.keys(single.modules).map((name) => [`${name}.weight`, delta(name)]));
const start = (like: Readonly<Record<string, Nested>>) =>
  openPicoModel(Object.fromEntries(Object.entries(like).map(([key, values]) => [key, zeros(values)])));

function expectTensors(found: Record<string, { values: number[] }>, expected: Readonly<Record<string, Nested>>): void {
  for (const [key, values] of Object.entries(expected)) {
    const flat = Float64Array.from((values as number[][]).flat(3) as number[]);
    expect(relativeError(Float64Array.from(found[key]!.values), flat), key).toBeLessThan(1e-6);
  }
}

describe("experts in either form", () => {
  it("as modules go into a base that stacks them", async () => {
    const fused = await fusedTensors(
      await start(STACKED),
      [await openPico("a", single)],
      {},
      baseConfig({ model_type: "qwen3_moe" }),
    );
    expectTensors(fused, STACKED);
  });

  it("as parameters, extracted from such a base, go into one that has each apart", async () => {
    const [base, kernels] = [await start(STACKED), wasmKernels()];
    const [bytes] = await fusedFiles(base, [await openPico("a", single)]);
    const tuned = await openModel(memoryFolder("tuned", { "model.safetensors": bytes! }));
    const plan = await planExtraction(base, tuned, { rank: 4 });
    const sink = memorySink(plan.layout.size);
    await sink.write(0, plan.layout.header);
    for (const group of extractionGroups(plan)) await extractModules(kernels, base, tuned, plan, group, sink);
    expect(plan.config).toMatchObject({
      target_modules: [],
      target_parameters: [`${LAYER}.down_proj`, `${LAYER}.gate_up_proj`],
    });
    const r = plan.rank * EXPERTS;
    const { modules } = decodeAdapter(JSON.stringify({ ...plan.config, r, lora_alpha: r }), sink.bytes);
    for (const [e, found] of expertDeltas(modules.get(LAYER)!, EXPERTS).entries()) {
      const expected = Float64Array.from(STACKED[`${LAYER}.down_proj`]![e]!.flat());
      expect(relativeError(found, expected)).toBeLessThan(1e-5);
    }
    const files = { "adapter_config.json": JSON.stringify(plan.config), "adapter_model.safetensors": sink.bytes };
    const { openAdapter } = await import("../../src/adapter/open.ts");
    const adapter = await openAdapter(memoryFolder("extracted", files));
    const fused = await fusedTensors(await start(APART), [adapter], {}, baseConfig({ model_type: "qwen3_moe" }));
    for (const [key, values] of Object.entries(APART)) {
      expect(
        relativeError(Float64Array.from(fused[key]!.values), Float64Array.from((values as number[][]).flat())),
        key,
      ).toBeLessThan(1e-5);
    }
  });

  it("are extracted as zeros where an expert did not change", async () => {
    const [base, kernels] = [await start(STACKED), wasmKernels()];
    const first = { modules: { [`${LAYER}.0.down_proj`]: single.modules[`${LAYER}.0.down_proj`]! } };
    const [bytes] = await fusedFiles(base, [await openPico("a", first)]);
    const tuned = await openModel(memoryFolder("tuned", { "model.safetensors": bytes! }));
    const plan = await planExtraction(base, tuned, { rank: 2 });
    const sink = memorySink(plan.layout.size);
    await sink.write(0, plan.layout.header);
    const [group] = extractionGroups(plan);
    const done = await extractModules(kernels, base, tuned, plan, group!, sink);
    expect(done.map(({ name, norm, energy }) => [name, norm > 0, energy > 0.99])).toEqual([
      [`${LAYER}.0.down_proj`, true, true],
      [`${LAYER}.1.down_proj`, false, true],
    ]);
    const r = plan.rank * EXPERTS;
    const { modules } = decodeAdapter(JSON.stringify({ ...plan.config, r, lora_alpha: r }), sink.bytes);
    expect(expertDeltas(modules.get(LAYER)!, EXPERTS)[1]!.every((value) => value === 0)).toBe(true);
  });

  it("put up alone into every second row of gpt-oss's gate and up", async () => {
    const name = `${LAYER}.0.up_proj`;
    const adapter = await openPico("a", { modules: { [name]: single.modules[name]! } });
    const base = await start(STACKED);
    const before = await fusedTensors(base, [adapter], { weights: [0] }, baseConfig({ model_type: "gpt_oss" }));
    const after = await fusedTensors(base, [adapter], {}, baseConfig({ model_type: "gpt_oss" }));
    const key = Object.keys(after).find((own) => own.endsWith("gate_up_proj"))!;
    const { in: inputs, out } = adapter.modules.get(name)!;
    const change = Float64Array.from(after[key]!.values, (value, i) => value - before[key]!.values[i]!);
    const delta = await moduleDelta(adapter, adapter.modules.get(name)!);
    for (let row = 0; row < 2 * out; row++) {
      for (let x = 0; x < inputs; x++) {
        const expected = row % 2 === 0 ? 0 : delta[((row - 1) / 2) * inputs + x]!;
        expect(change[row * inputs + x]).toBeCloseTo(expected, 5);
      }
    }
  });

  it.each([
    [
      "an expert that the base lacks",
      "qwen3_moe",
      { [`${LAYER}.2.down_proj`]: single.modules[`${LAYER}.0.down_proj`]! },
      /is expert 2, but .*down_proj is \(2, 3, 4\)/,
    ],
  ])("are refused for %s", async (_, type, modules, words) => {
    const adapter = await openPico("a", { modules });
    const fusing = fusedTensors(await start(STACKED), [adapter], {}, baseConfig({ model_type: type }));
    await expect(fusing).rejects.toThrow(words);
  });
});
