import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter, AdapterModule, FactorRef } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { bytesOf, type FactorDtype } from "../../src/core/dtype.ts";
import { READ_ELEMENT } from "../../src/core/elements.ts";
import { RefusedError } from "../../src/core/errors.ts";
import type { ModuleKind } from "../../src/core/module-kind.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import { StoredEntries } from "../../src/units/stored-entries.ts";
import { baseConfig } from "../support/base-config.ts";
import { keyOf, memoryFolder, openPeft, rejection } from "../support/memory-folder.ts";
import { product } from "../support/pico.ts";
import { WRITERS } from "../support/writers.ts";
import { written } from "../support/written.ts";

const BASE = baseConfig({
  model_type: "llama",
  num_attention_heads: 2,
  num_key_value_heads: 1,
  tie_word_embeddings: false,
});

/** Two modules of every kind that each format takes, by names that it knows. */
const NAMES: Readonly<Record<string, Readonly<Partial<Record<ModuleKind, readonly [string, string]>>>>> = {
  peft: {
    linear: ["model.layers.0.self_attn.q_proj", "odd.name"],
    embedding: ["model.embed_tokens", "other.embed_tokens"],
    conv: ["unet.conv_in", "unet.mid_block.resnets.0.conv1"],
  },
  kohya: {
    linear: [
      "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q",
      "text_encoder.text_model.encoder.layers.3.mlp.fc1",
    ],
    conv: ["unet.conv_in", "unet.mid_block.resnets.0.conv1"],
  },
  diffusers: {
    linear: [
      "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q",
      "text_encoder.text_model.encoder.layers.3.mlp.fc1",
    ],
    conv: ["unet.conv_in", "unet.mid_block.resnets.0.conv1"],
  },
  mlx: {
    linear: ["model.layers.0.self_attn.q_proj", "lm_head"],
    embedding: ["model.embed_tokens", "model.embed_tokens"],
  },
  gguf: {
    linear: ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.k_proj"],
    embedding: ["model.embed_tokens", "model.embed_tokens"],
  },
};

/** What the least numbers of f32 and bf16 come to, times those of A: nothing that anyone computes with. */
const LEAST = 1e-35;

const DTYPES: readonly FactorDtype[] = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"];

/**
 * A tensor of random bits of a type: finite numbers of up to some thousands, the smallest subnormal ones among them; in f16 of up to 15,
 * for writers fold powers of two up to 4096 into the type itself and refuse what leaves it.
 */
function randomTensor(name: string, shape: readonly number[], dtype: FactorDtype, uniform: () => number): TensorData {
  const size = bytesOf(dtype);
  const count = shape.reduce((all, one) => all * one, 1);
  const data = new Uint8Array(count * size);
  const view = new DataView(data.buffer);
  for (let i = 0; i < count; i++) {
    do {
      for (let k = 0; k < size; k++) data[i * size + k] = Math.floor(256 * uniform());
      if (dtype === "F64") view.setFloat64(8 * i, (uniform() - 0.5) * 10 ** Math.floor(6 * uniform() - 5), true);
      if (dtype === "F32") view.setFloat32(4 * i, (uniform() - 0.5) * 10 ** Math.floor(6 * uniform() - 5), true);
    } while (!(Math.abs(READ_ELEMENT[dtype](view, i * size)) < (dtype === "F16" ? 15 : 3000)));
  }
  return { name, dtype, shape, data };
}

/** The entries of a factor in f64, as (units, entries). */
async function factorOf({ files }: Adapter, factor: FactorRef): Promise<Float64Array> {
  const { rank, size, dtype } = factor;
  const { bytes, strides } = await StoredEntries.read(files, factor, 0, size);
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: rank * size }, (_, i) => {
    const place = Math.floor(i / size) * strides.unit + (i % size) * strides.entry;
    return READ_ELEMENT[dtype](view, bytesOf(dtype) * place);
  });
}

/** scale B A (out, in) in f64, and the sum of the products' sizes in each entry. */
async function deltaOf(adapter: Adapter, module: AdapterModule) {
  const { rank, in: inputs, out, scale } = module;
  const a = await factorOf(adapter, module.a);
  const units = await factorOf(adapter, module.b);
  const b = Float64Array.from({ length: out * rank }, (_, i) => units[(i % rank) * out + Math.floor(i / rank)]!);
  const times = (values: Float64Array, s: number): Float64Array => values.map((value) => s * value);
  return {
    delta: times(product(b, a, out, rank, inputs), scale),
    size: times(product(b.map(Math.abs), a.map(Math.abs), out, rank, inputs), Math.abs(scale)),
  };
}

interface Shape {
  readonly seed: number;
  readonly dtype: FactorDtype;
  readonly ranks: readonly [number, number];
  readonly alphas: readonly [number, number];
}

/** A PEFT adapter of these modules, A and B of one element type. */
function adapterOf(names: readonly [string, string], kind: ModuleKind, shape: Shape): Promise<Adapter> {
  const random = seededRandom(shape.seed);
  const uniform = () => random.uniform();
  const own = [...new Set(names)];
  const tensors = own.flatMap((name, i) => {
    const rank = shape.ranks[i]!;
    const [a, b] = kind === "embedding" ? ["lora_embedding_A", "lora_embedding_B"] : ["lora_A.weight", "lora_B.weight"];
    const kernel = kind === "conv" ? [3, 2] : [];
    return [
      randomTensor(keyOf(name, a!), [rank, 5, ...kernel], shape.dtype, uniform),
      randomTensor(keyOf(name, b!), [4, rank, ...kernel.map(() => 1)], shape.dtype, uniform),
    ];
  });
  const pattern = (values: readonly number[]) => Object.fromEntries(own.map((name, i) => [name, values[i]]));
  return openPeft(tensors, { rank_pattern: pattern(shape.ranks), alpha_pattern: pattern(shape.alphas) });
}

const shapes: fc.Arbitrary<Shape> = fc
  .record({
    seed: fc.integer(),
    dtype: fc.constantFrom(...DTYPES),
    ranks: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    scales: fc.tuple(...[0, 1].map(() => fc.constantFrom(0, 1, -1, 2, 8, 0.5, 2 ** -7, 1 / 3, -20, 1e-6))),
    alike: fc.boolean(),
  })
  .map(({ seed, dtype, ranks, scales, alike }) => {
    const [one, other] = scales as [number, number];
    return { seed, dtype, ranks, alphas: [one * ranks[0], (alike ? one : other) * ranks[1]] } as const;
  });

describe("deltas of a converted adapter, against f64", () => {
  const cases = WRITERS.flatMap(({ id, kinds }) =>
    (Object.keys(kinds) as ModuleKind[]).filter((kind) => kinds[kind]).map((kind) => [id, kind] as const),
  );

  it.each(cases)(
    "%s, %s: the same within f32's rounding of scale and product, of every element type",
    async (to, kind) => {
      await fc.assert(
        fc.asyncProperty(shapes, async (shape) => {
          const adapter = await adapterOf(NAMES[to]![kind]!, kind, shape);
          const base = to === "mlx" || to === "gguf" ? BASE : null;
          const there = await openAdapter(memoryFolder("there", await written(adapter, to, base)), {
            baseConfig: base,
          });
          expect([...there.modules.keys()].sort()).toEqual([...adapter.modules.keys()].sort());
          for (const module of adapter.modules.values()) {
            const other = there.modules.get(module.name)!;
            expect(other).toMatchObject({
              kind: module.kind,
              in: module.in,
              out: module.out,
              inputShape: module.inputShape,
            });
            const [expected, got] = [await deltaOf(adapter, module), await deltaOf(there, other)];
            // Of f64 both factors are rounded, of others the product of B and its scale; alpha is rounded where a format has it in f32.
            for (const [i, value] of expected.delta.entries())
              expect(Math.abs(got.delta[i]! - value)).toBeLessThanOrEqual(2 ** -22 * expected.size[i]! + LEAST);
          }
        }),
        { numRuns: 60 },
      );
    },
  );
});

describe("values that leave their element type where a scale is folded in", () => {
  const folded: [string, string, string][] = [
    ["diffusers", "unet.conv_in", "unet.conv_out"],
    ["mlx", "model.layers.0.q", "model.layers.1.q"],
    ["gguf", "model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj"],
  ];

  async function converted(to: string, one: string, other: string, dtype: FactorDtype, bits: bigint, alpha: number) {
    const constant = (name: string, value: bigint): TensorData => {
      const data = new Uint8Array(8);
      new DataView(data.buffer).setBigUint64(0, value, true);
      return { name, dtype, shape: [1, 1], data: data.slice(0, bytesOf(dtype)) };
    };
    const tensors = [one, other].flatMap((name) => [
      constant(keyOf(name, "lora_A.weight"), bits),
      constant(keyOf(name, "lora_B.weight"), bits),
    ]);
    const adapter = await openPeft(tensors, { r: 1, lora_alpha: 1, alpha_pattern: { [one]: alpha } });
    return written(adapter, to, to === "diffusers" ? null : BASE);
  }

  it.each(folded)("are refused in %s files, by the tensor's name", async (to, one, other) => {
    // The largest numbers of f16, bf16 and f32.
    for (const [dtype, bits, alpha] of [
      ["F16", 0x7bffn, 2],
      ["BF16", 0x7f7fn, 4],
      ["F32", 0x7f7fffffn, 1.5],
    ] as const) {
      const error = await rejection(converted(to, one, other, dtype, bits, alpha));
      expect(error).toBeInstanceOf(RefusedError);
      expect(error.message).toMatch(/has values that (f16|bf16|f32) cannot hold/);
    }
  });

  it.each(folded)("keep every bit in %s files where they are small", async (to, one, other) => {
    // The least number of f16, a 128th of it: f16 would have nothing left.
    const files = await converted(to, one, other, "F16", 0x0001n, 2 ** -7);
    const base = to === "diffusers" ? null : BASE;
    const there = await openAdapter(memoryFolder("there", files), { baseConfig: base });
    const { delta } = await deltaOf(there, there.modules.get(one)!);
    expect([...delta]).toEqual([2 ** -24 * 2 ** -24 * 2 ** -7]);
  });
});

describe("a scale beyond f32", () => {
  it.each(WRITERS.map(({ id }) => id))("is refused by the writer of %s", async (to) => {
    const [name] = NAMES[to]!.linear!;
    const adapter = await adapterOf([name, name], "linear", {
      seed: 1,
      dtype: "F32",
      ranks: [2, 2],
      alphas: [1e39, 1e39],
    });
    await expect(written(adapter, to, BASE)).rejects.toThrow(
      /has the scale 5e\+38, whose alpha \(1e\+39\) is beyond f32/,
    );
  });

  it("or below it is none in kohya files, where alpha 0 would stand for the rank", async () => {
    const [name] = NAMES.kohya!.linear!;
    const shape: Shape = { seed: 1, dtype: "F32", ranks: [2, 2], alphas: [1e-50, 1e-50] };
    const files = await written(await adapterOf([name, name], "linear", shape), "kohya");
    const there = await openAdapter(memoryFolder("there", files));
    const { delta } = await deltaOf(there, there.modules.get(name)!);
    expect(delta.every((value) => value === 0)).toBe(true);
  });
});
