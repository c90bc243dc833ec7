import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { bytesOf, type FactorDtype } from "../../src/core/dtype.ts";
import { FormatError } from "../../src/core/errors.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import { baseConfig } from "../support/base-config.ts";
import { filled, keyOf, memoryFolder, openPeft, rejection } from "../support/memory-folder.ts";
import { written } from "../support/written.ts";

const BASE = baseConfig({ model_type: "mistral", num_attention_heads: 1, num_key_value_heads: 1 });

/** Bits of each element type that are no number, and those of the largest that is one. */
const BITS: Readonly<Record<FactorDtype, { readonly odd: readonly bigint[]; readonly largest: bigint }>> = {
  // The last is finite, but beyond f32.
  F64: {
    odd: [0x7ff8000000000000n, 0x7ff0000000000000n, 0xfff0000000000001n, 0x47f0000000000000n],
    largest: 0xc7efffffe0000000n,
  },
  F32: { odd: [0x7fc00000n, 0x7f800000n, 0xff800001n], largest: 0xff7fffffn },
  F16: { odd: [0x7e00n, 0x7c00n, 0xfc01n], largest: 0xfbffn },
  BF16: { odd: [0x7fc0n, 0x7f80n, 0xff81n], largest: 0xff7fn },
  F8_E4M3: { odd: [0x7fn, 0xffn], largest: 0xfen },
  F8_E5M2: { odd: [0x7en, 0x7cn, 0xfdn], largest: 0xfbn },
};
const CASES = Object.entries(BITS).flatMap(([dtype, { odd }]) =>
  odd.map((bits) => [dtype as FactorDtype, bits] as const),
);

/** A tensor of zeros but for the last element. */
function endingIn(name: string, shape: readonly number[], dtype: FactorDtype, bits: bigint): TensorData {
  const tensor = filled(name, shape, dtype);
  const last = new DataView(new ArrayBuffer(8));
  last.setBigUint64(0, bits, true);
  tensor.data.set(new Uint8Array(last.buffer, 0, bytesOf(dtype)), tensor.data.length - bytesOf(dtype));
  return tensor;
}

/** Two modules of different scales, so that formats of one scale multiply one of them; one half of the second ends in these bits. */
function tensors(half: "A" | "B", dtype: FactorDtype, bits: bigint): TensorData[] {
  return NAMES.flatMap((name, i) => [
    endingIn(keyOf(name, "lora_A.weight"), [2, 5], dtype, i === 1 && half === "A" ? bits : 0n),
    endingIn(keyOf(name, "lora_B.weight"), [4, 2], dtype, i === 1 && half === "B" ? bits : 0n),
  ]);
}

const NAMES = ["model.layers.0.self_attn.v_proj", "model.layers.1.self_attn.v_proj"] as const;

describe("values that are no numbers", () => {
  it.each(CASES)("are refused where factors are copied, by the tensor's name (%s, %#)", async (dtype, bits) => {
    for (const half of ["A", "B"] as const) {
      const adapter = await openPeft(tensors(half, dtype, bits), { target_modules: ["v_proj"] });
      for (const [to, base] of [
        ["peft", null],
        ["mlx", null],
        ["gguf", BASE],
      ] as const) {
        const error = await rejection(written(adapter, to, base));
        expect(error).toBeInstanceOf(FormatError);
        expect(error.message).toBe(
          `adapter: the tensor ${keyOf(NAMES[1], `lora_${half}.weight`)} holds NaN or infinite values (or values beyond f32), so it cannot be converted; retrain or repair that adapter.`,
        );
      }
    }
  });

  it.each(CASES)("are refused where factors are multiplied (%s, %#)", async (dtype, bits) => {
    const pattern = { alpha_pattern: { [NAMES[0]]: 3 }, target_modules: ["v_proj"] };
    const adapter = await openPeft(tensors("B", dtype, bits), pattern);
    const error = await rejection(written(adapter, "mlx"));
    expect(error.message).toContain(`the tensor ${keyOf(NAMES[1], "lora_B.weight")} holds NaN or infinite values`);
  });

  it.each(CASES)("are refused in what an adapter holds besides its factors (%s, %#)", async (dtype, bits) => {
    // Longer than what is copied at once.
    const head = endingIn("base_model.model.score.weight", [(1 << 20) + 3], dtype, bits);
    const adapter = await openPeft([...tensors("A", dtype, 0n), head], { target_modules: ["v_proj"] });
    const error = await rejection(written(adapter, "peft"));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toBe(
      "adapter: the tensor base_model.model.score.weight holds NaN or infinite values (or values beyond f32), so it cannot be written; pass --extras drop, or repair it.",
    );
  });

  it.each(Object.entries(BITS))("are not confused with the largest number of %s", async (name, { largest }) => {
    const dtype = name as FactorDtype;
    const stored = tensors("A", dtype, largest);
    const adapter = await openPeft(stored, { target_modules: ["v_proj"] });
    const there = await openAdapter(memoryFolder("there", await written(adapter, "peft")));
    expect(there.modules.get(NAMES[1])!.a.dtype).toBe(dtype);
    const bytes = (await written(adapter, "peft"))["adapter_model.safetensors"] as Uint8Array;
    expect(Buffer.from(bytes).includes(Buffer.from(stored[2]!.data))).toBe(true);
  });
});
