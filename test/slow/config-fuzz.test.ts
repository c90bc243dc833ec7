import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter, TensorRef } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import type { ByteSource } from "../../src/core/bytes.ts";
import { bytesOf } from "../../src/core/dtype.ts";
import { LoraLegoError } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { filled, keyOf, linear, type MemoryFiles, memoryFolder, peftFiles } from "../support/memory-folder.ts";
import { mutatedBytes, mutatedJson } from "../support/mutations.ts";
import { rawSafetensors } from "../support/safetensors.ts";
import { strided } from "../support/strided.ts";

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
const INDEX = "adapter_model.safetensors.index.json";
/** No case of a few hundred bytes takes longer, on a busy machine too. */
const MAX_CASE_MS = 2000;

/** A factor pair with small finite values, so that what opens can also be merged. */
function noisy(module: string, rank: number, dtype: "F32" | "F16" = "F32"): TensorData[] {
  const random = seededRandom(rank);
  return linear(module, rank, 3, 4, dtype).map((tensor) => {
    const view = new DataView(tensor.data.buffer);
    for (let at = 0; at < tensor.data.length; at += 4) view.setFloat32(at, random.uniform() - 0.5, true);
    return tensor;
  });
}

/** Sound adapters of every feature that openAdapter knows. */
const SOUND: readonly MemoryFiles[] = [
  peftFiles([...noisy("layers.0.q", 2), ...noisy("layers.1.q", 4)], {
    rank_pattern: { "layers.1.q": 4, "k|(v)": 8 },
    alpha_pattern: { "layers\\.\\d+\\.q": 3.5 },
    use_rslora: true,
    base_model_name_or_path: "org/base",
    task_type: "CAUSAL_LM",
    layers_to_transform: [0, 1],
  }),
  peftFiles(
    [
      ...noisy("q", 2, "F16"),
      filled(keyOf("embed", "lora_embedding_A"), [2, 5]),
      filled(keyOf("embed", "lora_embedding_B"), [3, 2]),
      filled(keyOf("conv", "lora_A.weight"), [2, 3, 3, 3]),
      filled(keyOf("conv", "lora_B.weight"), [4, 2, 1, 1]),
    ],
    { fan_in_fan_out: true, target_modules: "all-linear", use_dora: false, lora_bias: false, init_lora_weights: true },
  ),
  peftFiles(
    [
      ...noisy("q", 2),
      filled("base_model.model.head.weight", [2, 3], "F32", 1),
      filled("base_model.model.head.modules_to_save.weight", [2, 3], "F32", 1),
      filled("base_model.model.head.original_module.weight", [2, 3]),
      filled("base_model.model.q.bias", [4], "BF16"),
    ],
    { modules_to_save: ["head"], bias: "all", r: 2, lora_alpha: 16 },
  ),
];

/** A file as text, without the byte order mark that some editors put in front. */
const text = (content: string | Uint8Array): string =>
  new TextDecoder().decode(typeof content === "string" ? new TextEncoder().encode(content) : content);

/** A safetensors file's header, as text, and its data. */
function parts(file: Uint8Array): { json: string; data: Uint8Array } {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return { json: new TextDecoder().decode(file.subarray(8, start)), data: file.subarray(start) };
}

/** A file whose header's JSON is edited has the right length in front, so that the edits are reached. */
function mutatedHeader(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const { json, data } = parts(file);
  return mutatedJson(json).map((edited) => {
    const mutant = rawSafetensors(edited, data.length);
    mutant.set(data, mutant.length - data.length);
    return mutant;
  });
}

const mutatedConfig = (config: string): fc.Arbitrary<string | Uint8Array> =>
  fc.oneof({ arbitrary: mutatedJson(config), weight: 5 }, mutatedBytes(new TextEncoder().encode(config)));

const mutatedWeights = (file: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof({ arbitrary: mutatedHeader(file), weight: 3 }, mutatedBytes(file));

/** The same adapter in two files with an index, its tensors dealt out in turn. */
function sharded(files: MemoryFiles): MemoryFiles {
  const { json, data } = parts(files[WEIGHTS] as Uint8Array);
  const header = JSON.parse(json) as Record<string, { dtype: "F32"; shape: number[]; data_offsets: [number, number] }>;
  const names = [1, 2].map((i) => `adapter_model-0000${i}-of-00002.safetensors`);
  const shards: TensorData[][] = [[], []];
  const weightMap: Record<string, string> = {};
  for (const [i, [name, { dtype, shape, data_offsets: offsets }]] of Object.entries(header)
    .filter(([key]) => key !== "__metadata__")
    .entries()) {
    shards[i % 2]!.push({ name, dtype, shape, data: data.slice(...offsets) });
    weightMap[name] = names[i % 2]!;
  }
  return {
    [CONFIG]: files[CONFIG]!,
    [INDEX]: JSON.stringify({ metadata: {}, weight_map: weightMap }),
    ...Object.fromEntries(shards.map((tensors, i) => [names[i]!, encodeSafetensors(tensors)])),
  };
}

/** Config, weights, or both changed. */
const whole = fc.constantFrom(...SOUND).chain((files) => {
  const config = mutatedConfig(text(files[CONFIG]!));
  const weights = mutatedWeights(files[WEIGHTS] as Uint8Array);
  return fc.oneof(
    config.map((mutant) => ({ ...files, [CONFIG]: mutant })),
    weights.map((mutant) => ({ ...files, [WEIGHTS]: mutant })),
    fc.tuple(config, weights).map(([one, other]) => ({ [CONFIG]: one, [WEIGHTS]: other })),
  );
});

const inShards = fc.constantFrom(...SOUND.map(sharded)).chain((files) => {
  const [, , first, second] = Object.keys(files) as [string, string, string, string];
  return fc.record({
    [CONFIG]: fc.constant(files[CONFIG]!),
    [INDEX]: mutatedConfig(text(files[INDEX]!)),
    [first]: fc.oneof(fc.constant(files[first]!), mutatedWeights(files[first] as Uint8Array)),
    [second]: fc.constant(files[second]!),
  });
});

/** Every range asked for must lie in the source; a buffer may be an arena, but else no larger than the source. */
const watched = (arena: boolean) => (source: ByteSource) => {
  return {
    ...source,
    read(offset: number, into: Uint8Array) {
      expect(offset).toBeGreaterThanOrEqual(0);
      if (!arena) expect(into.buffer.byteLength).toBeLessThanOrEqual(source.size);
      expect(offset + into.byteLength).toBeLessThanOrEqual(source.size);
      return source.read(offset, into);
    },
  };
};

/** What the opened adapter says must follow from the files: nothing is lost, nothing invented, every scale as PEFT has it. */
function expectCorrect(adapter: Adapter, files: MemoryFiles): void {
  const tensors = new Map<string, { dtype: string; shape: number[] }>();
  for (const [name, file] of Object.entries(files)) {
    if (!name.endsWith(".safetensors")) continue;
    const header = JSON.parse(parts(file as Uint8Array).json);
    for (const [key, tensor] of Object.entries(header)) if (key !== "__metadata__") tensors.set(key, tensor as never);
  }
  const used = new Set<string>(adapter.ignored);
  const use = ({ name, file, dtype, shape, begin, end }: TensorRef): void => {
    used.add(name);
    expect(tensors.get(name)).toMatchObject({ dtype, shape });
    expect(end - begin).toBe(shape.reduce((product, size) => product * size, bytesOf(dtype)));
    expect(end).toBeLessThanOrEqual(adapter.files[file]!.size);
  };
  const { extras, magnitudes, tokenRows, others } = adapter;
  for (const tensor of [extras, magnitudes, others].flatMap((each) => [...each.values()])) use(tensor);
  for (const { tensor } of tokenRows.values()) use(tensor);
  const config = JSON.parse(text(files[CONFIG]!));
  for (const [name, module] of adapter.modules) {
    const [a, b] = [strided(module.a), strided(module.b)];
    use(a);
    use(b);
    expect(module.name).toBe(name);
    expect(a.shape).toEqual([module.rank, ...module.inputShape]);
    expect(b.shape.slice(0, 2)).toEqual([module.out, module.rank]);
    expect(module.in).toBe(module.inputShape.reduce((product, size) => product * size, 1));
    expect(module.rank).toBe(byPattern(config.rank_pattern, name) ?? config.r ?? 8);
    const alpha = byPattern(config.alpha_pattern, name) ?? (config.lora_alpha === undefined ? 8 : config.lora_alpha);
    expect(module.scale).toBe(alpha / (config.use_rslora ? Math.sqrt(module.rank) : module.rank) + 0);
  }
  // Equal copies of a tensor of modules_to_save stand for each other.
  const copies = [...tensors.keys()].filter((key) => !used.has(key));
  for (const key of copies) expect(adapter.extras.has(key)).toBe(true);
  // What is no LoRA at all is opened to be described, and says so.
  expect(adapter.modules.size > 0 || adapter.variants.length > 0).toBe(true);
}

function byPattern(patterns: Record<string, number> | null | undefined, name: string): number | undefined {
  const found = Object.entries(patterns ?? {}).find(([pattern]) => new RegExp(`^(.*\\.)?(${pattern})$`).test(name));
  return found?.[1];
}

/** Run a case: what it gives, or null where it is refused by one of our errors in one readable sentence. */
async function outcomeOf<T>(work: () => Promise<T>): Promise<T | null> {
  const started = performance.now();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    expect(error.message).toContain("mutant");
    expect(error.message.length).toBeLessThan(2000);
    return null;
  } finally {
    expect(performance.now() - started).toBeLessThan(MAX_CASE_MS);
  }
}

const open = (files: MemoryFiles, arena = false): Promise<Adapter> =>
  openAdapter(memoryFolder("mutant", files, [], watched(arena)));

describe("openAdapter on damaged adapters", () => {
  it.each([
    ["config and header changed together", whole, 20_000, 500],
    ["an index and its shards", inShards, 4000, 50],
  ] as const)("reads them correctly or refuses them with a LoraLegoError: %s", async (_, mutants, numRuns, least) => {
    const outcomes = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(mutants as fc.Arbitrary<MemoryFiles>, async (files) => {
        const adapter = await outcomeOf(() => open(files));
        if (adapter === null) outcomes.refused++;
        else {
          expectCorrect(adapter, files);
          const plan = await outcomeOf(async () => makePlan([adapter], {}));
          if (plan !== null) expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(structuredClone(plan));
          outcomes.read++;
        }
      }),
      { numRuns },
    );
    // Some edits are harmless (white space, unknown fields, unused values); most are not.
    expect(outcomes.read).toBeGreaterThan(least);
    expect(outcomes.refused).toBeGreaterThan(numRuns / 3);
  });

  it("merges what it reads to finite factors, or refuses it with a LoraLegoError", async () => {
    let merged = 0;
    await fc.assert(
      fc.asyncProperty(whole as fc.Arbitrary<MemoryFiles>, async (files) => {
        const outcome = await outcomeOf(async () => mergeInMemory([await open(files, true)], {}));
        if (outcome === null) return;
        merged++;
        const { weights, config } = outcome;
        const again = await open({ [CONFIG]: JSON.stringify(config), [WEIGHTS]: weights });
        expect([...again.modules.keys()].sort()).toEqual(outcome.plan.modules.map(({ name }) => name).sort());
        expect([...again.extras.keys()].sort()).toEqual([...outcome.report.carried].sort());
      }),
      { numRuns: 5000 },
    );
    expect(merged).toBeGreaterThan(100);
  });
});
