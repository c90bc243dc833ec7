import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { baseConfig } from "../support/base-config.ts";
import { filled, keyOf, memoryFolder, openPeft, rejection } from "../support/memory-folder.ts";
import { decodeAdapter, decodeTensors, encodeTensor, relativeError } from "../support/pico.ts";
import { written } from "../support/written.ts";

const [Q, V] = ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"] as const;
const factors = (module: string, seed: number) => [
  encodeTensor(keyOf(module, "lora_A.weight"), [[seed, 2, -1]]),
  encodeTensor(keyOf(module, "lora_B.weight"), [[1], [seed]]),
];
const magnitude = (module: string, values: readonly number[]) =>
  encodeTensor(keyOf(module, "lora_magnitude_vector"), values);
const config = { use_dora: true, r: 1, lora_alpha: 2, target_modules: ["q_proj", "v_proj"] };

/** The deltas of an adapter, its magnitudes aside. */
async function deltasOf(adapter: Adapter): Promise<Map<string, Float64Array>> {
  const plain = { ...adapter, variants: [], magnitudes: new Map() };
  const merged = await mergeInMemory([plain], { method: "cat", dtype: "f32" });
  const { modules } = decodeAdapter(JSON.stringify(merged.config), merged.weights);
  return new Map(Array.from(modules, ([name, { delta }]) => [name, delta]));
}

describe("DoRA in MLX", () => {
  it("has the deltas and magnitudes of PEFT's, and mlx-lm is told to apply them", async () => {
    const tensors = [...factors(Q, 3), ...factors(V, 5), magnitude(Q, [7, 8]), magnitude(V, [9, 10])];
    for (const patterns of [{}, { alpha_pattern: { [V]: 3 } }]) {
      const dora = await openPeft(tensors, { ...config, ...patterns });
      const files = await written(dora, "mlx");
      expect(JSON.parse(files["adapter_config.json"] as string)).toMatchObject({ fine_tune_type: "dora" });
      const stored = decodeTensors(files["adapters.safetensors"] as Uint8Array);
      expect([stored.get(`${Q}.m`), stored.get(`${V}.m`)]).toEqual([
        { shape: [2], values: Float64Array.of(7, 8) },
        { shape: [2], values: Float64Array.of(9, 10) },
      ]);
      const there = await openAdapter(memoryFolder("there", files));
      expect(there.variants.map(({ id }) => id)).toEqual(["dora"]);
      expect([...there.magnitudes.keys()].sort()).toEqual([Q, V]);
      const [before, after] = [await deltasOf(dora), await deltasOf(there)];
      for (const [name, delta] of before) expect(relativeError(after.get(name)!, delta)).toBeLessThan(1e-6);
      expect(checkOpened(there, consumerById("mlx")).findings).toEqual([]);
    }
  });

  it("is what check tells users of mlx-lm to make", async () => {
    const dora = await openPeft([...factors(Q, 3), magnitude(Q, [7, 8])], { ...config, target_modules: ["q_proj"] });
    const texts = checkOpened(dora, consumerById("mlx")).findings.map(({ text }) => text);
    expect(texts).toContainEqual(expect.stringMatching(/convert it to mlx/));
  });

  it("is refused where mlx-lm would compute something else", async () => {
    const base = baseConfig({ model_type: "llama", tie_word_embeddings: false });
    const embedding = "model.embed_tokens";
    const cases = [
      [
        [
          ...factors(Q, 3),
          magnitude(Q, [7, 8]),
          filled(keyOf(embedding, "lora_embedding_A"), [1, 4]),
          filled(keyOf(embedding, "lora_embedding_B"), [3, 1]),
          magnitude(embedding, [1, 2, 3]),
        ],
        /embed_tokens is no linear layer/,
      ],
      [[...factors(Q, 3), magnitude(Q, [7, 8, 9])], /q_proj has the magnitude F32 \(3\) for 2 outputs/],
      [[...factors(Q, 3), filled(keyOf(Q, "lora_magnitude_vector"), [2], "F64")], /q_proj has the magnitude F64 \(2\)/],
    ] as const;
    for (const [tensors, words] of cases) {
      const error = await rejection(
        written(await openPeft(tensors, { ...config, target_modules: ["q_proj", "embed_tokens"] }), "mlx", base),
      );
      expect(error).toBeInstanceOf(RefusedError);
      expect(error.message).toMatch(words);
      expect(error.message).toMatch(/fuse the adapter into its base model instead\.$/);
    }
    const bare = await openPeft([...factors(Q, 3), ...factors(V, 5), magnitude(Q, [7, 8])], config);
    expect((await rejection(written(bare, "mlx"))).message).toMatch(/holds no magnitude for .*v_proj/);
    // An adapter that does not say that it is DoRA throughout.
    const mixed = { ...bare, variants: [] };
    expect((await rejection(written(mixed, "mlx"))).message).toMatch(
      /v_proj has no magnitude, but mlx-lm applies DoRA to all/,
    );
  });
});
