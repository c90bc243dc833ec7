import { describe, expect, it } from "vitest";
import type { TensorRef } from "../../src/adapter/adapter.ts";
import { copyTensor, isAllFinite, readNumbers, readScalar, sameTensor } from "../../src/adapter/tensor-values.ts";
import { memorySink, memorySource } from "../../src/core/bytes.ts";
import type { Dtype } from "../../src/core/dtype.ts";
import { FormatError } from "../../src/core/errors.ts";
import { rejection } from "../support/memory-folder.ts";

/** A tensor of these bytes at byte 3 of the second of two files. */
function placed(bytes: Uint8Array, dtype: Dtype, shape: readonly number[]) {
  const file = new Uint8Array(bytes.length + 8).fill(255);
  file.set(bytes, 3);
  const tensor: TensorRef = { name: "x", file: 1, dtype, shape, begin: 3, end: 3 + bytes.length };
  return { files: [memorySource("other", new Uint8Array(0)), memorySource("file", file)], tensor };
}

/** More bytes than are read at once. */
const LONG = 2 ** 20 + 5;
const long = (): Uint8Array => Uint8Array.from({ length: LONG }, (_, i) => i % 251);

describe("two tensors", () => {
  it("are the same with the same bytes in the same shape and type", async () => {
    const one = placed(long(), "U8", [LONG]);
    expect(await sameTensor(one, placed(long(), "U8", [LONG]))).toBe(true);
    for (const at of [0, 2 ** 20 - 1, 2 ** 20, LONG - 1]) {
      const changed = long();
      changed[at]! ^= 1;
      expect([at, await sameTensor(one, placed(changed, "U8", [LONG]))]).toEqual([at, false]);
    }
    const four = placed(new Uint8Array(4), "U8", [4]);
    expect(await sameTensor(four, placed(new Uint8Array(4), "I8", [4]))).toBe(false);
    expect(await sameTensor(four, placed(new Uint8Array(4), "U8", [2, 2]))).toBe(false);
  });
});

describe("a copy of a tensor", () => {
  it("is its bytes and no others, in the place given, also beyond what is read at once", async () => {
    const { files, tensor } = placed(long(), "U8", [LONG]);
    const sink = memorySink(LONG + 4);
    await copyTensor("mine", files, tensor, 2, sink);
    expect(Buffer.from(sink.bytes.subarray(2, LONG + 2)).equals(Buffer.from(long()))).toBe(true);
    expect([...sink.bytes.subarray(0, 2), ...sink.bytes.subarray(LONG + 2)]).toEqual([0, 0, 0, 0]);
  });
});

describe("a copy of floats", () => {
  it("is refused where one of them is not finite, and of no other type", async () => {
    // 1 and infinity in f16.
    const bytes = Uint8Array.of(0, 0x3c, 0, 0x7c);
    const copied = (dtype: Dtype, shape: readonly number[]) => {
      const { files, tensor } = placed(bytes, dtype, shape);
      return copyTensor("mine", files, tensor, 0, memorySink(4));
    };
    await expect(copied("F16", [2])).rejects.toThrow(
      new FormatError(
        "mine: the tensor x holds NaN or infinite values (or values beyond f32), so it cannot be written; pass --extras drop, or repair it.",
      ),
    );
    await copied("I16", [2]);
  });
});

describe("whether all numbers are finite", () => {
  const finite = (bytes: Uint8Array, dtype: Dtype, shape: readonly number[]) => {
    const { files, tensor } = placed(bytes, dtype, shape);
    return isAllFinite(files, tensor);
  };

  it("is told of floats, and integers always are", async () => {
    const infinite = Uint8Array.of(0, 0x3c, 0, 0x7c);
    expect(await finite(infinite, "F16", [2])).toBe(false);
    expect(await finite(infinite.subarray(0, 2), "F16", [1])).toBe(true);
    expect(await finite(infinite, "I16", [2])).toBe(true);
  });

  it("is told to the end of what is not read at once", async () => {
    const bytes = new Uint8Array(2 ** 20 + 4);
    expect(await finite(bytes, "F16", [2 ** 19 + 2])).toBe(true);
    bytes.set([0, 0x7c], 2 ** 20 + 2);
    expect(await finite(bytes, "F16", [2 ** 19 + 2])).toBe(false);
  });
});

describe("numbers of a tensor", () => {
  it.each<[Dtype, number[], number[]]>([
    ["F64", [0, 0, 0, 0, 0, 0, 0xf8, 0xbf], [-1.5]],
    ["F32", [0, 0, 0x20, 0x41, 0, 0, 0x80, 0xbf], [10, -1]],
    ["F16", [0, 0x3c, 0, 0xc0], [1, -2]],
    ["BF16", [0x80, 0x3f], [1]],
    ["I64", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [-1]],
    ["I64", [0x02, 0x01, 0, 0, 0, 0, 0, 0], [258]],
    ["I32", [0x02, 0x01, 0, 0], [258]],
  ])("are read as %s", async (dtype, bytes, values) => {
    const { files, tensor } = placed(Uint8Array.from(bytes), dtype, [values.length]);
    expect([...(await readNumbers("mine", files, tensor))]).toEqual(values);
    const alone = values.length === 1;
    const one = readScalar("mine", files, tensor).catch((error: Error) => error.message);
    expect(await one).toEqual(
      alone ? values[0] : `mine: x is ${dtype} (2), but must be one number; save the adapter again.`,
    );
  });

  it("are refused in types without them, and where they are not finite", async () => {
    const eight = placed(Uint8Array.of(1), "F8_E4M3", [1]);
    const stored = await rejection(readNumbers("mine", eight.files, eight.tensor));
    expect(stored).toBeInstanceOf(FormatError);
    expect(stored.message).toContain("mine: x is stored as F8_E4M3");
    const scalar = await rejection(readScalar("mine", eight.files, eight.tensor));
    expect(scalar.message).toContain("mine: x is F8_E4M3 (1), but must be one number");
    const infinite = placed(Uint8Array.of(0, 0, 0, 0x3c, 0, 0x7c), "F16", [3]);
    const bad = await rejection(readNumbers("mine", infinite.files, infinite.tensor));
    expect(bad).toBeInstanceOf(FormatError);
    expect(bad.message).toContain("mine: x holds Infinity, but must be finite");
  });
});
