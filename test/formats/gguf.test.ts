import { describe, expect, it } from "vitest";
import { type ByteSource, memorySource } from "../../src/core/bytes.ts";
import { FormatError, RefusedError, UsageError } from "../../src/core/errors.ts";
import { readGguf } from "../../src/formats/gguf/header.ts";
import { type GgufTensorSpec, layoutGguf } from "../../src/formats/gguf/layout.ts";
import { decodeQ8 } from "../../src/formats/gguf/q8.ts";
import { fields, GGUF_MANIFEST, goldenGguf } from "../support/gguf.ts";
import { rejection } from "../support/memory-folder.ts";

const source = (bytes: Uint8Array): ByteSource => memorySource("x.gguf", bytes);
const GGUF = { bytes: new TextEncoder().encode("GGUF") };
const V3 = { u32: 3 };

/** One tensor of `type` and ggml dimensions at `offset`, and so many bytes of data. */
function oneTensor(dims: number[], type = 0, offset = 0, data = 64, name = "t"): Uint8Array {
  const header = fields(
    GGUF,
    V3,
    { u64: 1 },
    { u64: 0 },
    { text: name },
    { u32: dims.length },
    ...dims.map((u64) => ({ u64 })),
    { u32: type },
    { u64: offset },
  );
  const padding = (32 - (header.length % 32)) % 32;
  return fields({ bytes: header }, { bytes: new Uint8Array(padding + data) });
}

async function refuses(bytes: Uint8Array, words: RegExp, kind: typeof FormatError | typeof RefusedError = FormatError) {
  const error = await rejection(readGguf(source(bytes)));
  expect(error).toBeInstanceOf(kind);
  expect(error.message).toMatch(words);
  expect(error.message).toMatch(/^x\.gguf/);
}

describe("readGguf", () => {
  it("reads every value type as Python wrote it", async () => {
    const { metadata, tensors, version } = await readGguf(source(goldenGguf("values.gguf")));
    expect(version).toBe(3);
    expect(Object.fromEntries(metadata)).toEqual(GGUF_MANIFEST.values);
    expect(tensors.size).toBe(0);
  });

  it.each(["F32", "F16", "BF16", "Q8_0"])("places the tensors of a %s adapter", async (dtype) => {
    const bytes = goldenGguf(`lora-${dtype.toLowerCase()}.gguf`);
    const { metadata, tensors } = await readGguf(source(bytes));
    expect(Object.fromEntries(metadata)).toEqual({
      "general.architecture": "llama",
      "general.type": "adapter",
      "adapter.type": "lora",
      "adapter.lora.alpha": 16,
    });
    const expected = GGUF_MANIFEST.adapters[dtype]!;
    expect([...tensors.keys()]).toEqual(Object.keys(expected));
    for (const [name, { type, shape, begin, end }] of tensors) {
      expect([type.name, shape]).toEqual([expected[name]!.type, expected[name]!.shape]);
      if (type.name !== "F32" && type.name !== "Q8_0") continue;
      const stored = bytes.slice(begin, end);
      const values = type.name === "F32" ? new Float32Array(stored.buffer) : decodeQ8(stored);
      expect([...values]).toEqual(expected[name]!.values.map(Math.fround));
    }
  });

  it("reads the header alone, in few ranges", async () => {
    const bytes = oneTensor([8], 0, 0, 1 << 20);
    const reads: number[] = [];
    const inner = source(bytes);
    await readGguf({
      ...inner,
      read(offset, into) {
        reads.push(offset + into.length);
        return inner.read(offset, into);
      },
    });
    expect(reads).toEqual([1 << 16]);
  });

  it("keeps 64-bit integers beyond 2^53 exact", async () => {
    const big = 2n ** 63n + 1n;
    const bytes = fields(GGUF, V3, { u64: 0 }, { u64: 1 }, { text: "k" }, { u32: 10 }, { u64: big });
    expect((await readGguf(source(bytes))).metadata.get("k")).toBe(big);
  });

  it("takes another alignment where the file says so", async () => {
    const header = fields(
      GGUF,
      V3,
      { u64: 1 },
      { u64: 1 },
      { text: "general.alignment" },
      { u32: 4 },
      { u32: 64 },
      { text: "t" },
      { u32: 1 },
      { u64: 4 },
      { u32: 0 },
      { u64: 64 },
    );
    const begin = Math.ceil(header.length / 64) * 64;
    const bytes = new Uint8Array(begin + 64 + 16);
    bytes.set(header);
    expect((await readGguf(source(bytes))).tensors.get("t")).toMatchObject({
      begin: begin + 64,
      end: begin + 80,
      shape: [4],
    });
  });

  it.each([
    ["another format", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1"), /Git LFS pointer/],
    ["other bytes", new Uint8Array(64).fill(7), /does not begin with "GGUF"/],
    ["a stub", fields(GGUF), /4 bytes/],
    ["more tensors than bytes", fields(GGUF, V3, { u64: 1e9 }, { u64: 0 }), /announces 1000000000 tensors/],
    ["2^64 - 1 values", fields(GGUF, V3, { u64: 0 }, { u64: 2n ** 64n - 1n }), /metadata values/],
    [
      "a text beyond the file",
      fields(GGUF, V3, { u64: 0 }, { u64: 1 }, { u64: 900 }, { u64: 0 }),
      /text at \d+ has 900 bytes/,
    ],
    [
      "a key twice",
      fields(
        GGUF,
        V3,
        { u64: 0 },
        { u64: 2 },
        { text: "k" },
        { u32: 4 },
        { u32: 1 },
        { text: "k" },
        { u32: 4 },
        { u32: 2 },
      ),
      /"k" occurs twice/,
    ],
    [
      "an unknown value type",
      fields(GGUF, V3, { u64: 0 }, { u64: 1 }, { text: "k" }, { u32: 13 }, { u64: 0 }),
      /unknown value type 13/,
    ],
    [
      "a truth value of 2",
      fields(GGUF, V3, { u64: 0 }, { u64: 1 }, { text: "k" }, { u32: 7 }, { bytes: Uint8Array.of(2, 0, 0, 0, 0) }),
      /boolean is 2/,
    ],
    [
      "a text that is no UTF-8",
      fields(
        GGUF,
        V3,
        { u64: 0 },
        { u64: 1 },
        { u64: 2 },
        { bytes: Uint8Array.of(0xff, 0xfe, 4, 0, 0, 0, 0, 0, 0, 0) },
      ),
      /not UTF-8/,
    ],
    [
      "an alignment of 12",
      fields(GGUF, V3, { u64: 0 }, { u64: 1 }, { text: "general.alignment" }, { u32: 4 }, { u32: 12 }),
      /alignment is 12/,
    ],
    ["five dimensions", oneTensor([1, 1, 1, 1, 1]), /5 dimensions/],
    ["dimensions beyond 2^53", oneTensor([2 ** 40, 2 ** 40]), /beyond the file/],
    ["data beyond the file", oneTensor([17], 0, 0, 64), /ends at \d+, beyond/],
    ["an offset between", oneTensor([4], 0, 8), /begins at 8, which is not a multiple of 32/],
    ["half a block", oneTensor([16, 2], 8), /not whole blocks of 32/],
  ])("refuses %s", async (_, bytes, words) => {
    await refuses(bytes, words);
  });

  it("refuses arrays nested without end", async () => {
    const nested = Array.from({ length: 9 }, () => [{ u32: 9 }, { u64: 1 }]).flat();
    await refuses(
      fields(GGUF, V3, { u64: 0 }, { u64: 1 }, { text: "k" }, { u32: 9 }, ...nested, { u64: 0 }),
      /nested more than 4/,
    );
  });

  it("refuses tensors that overlap or occur twice", async () => {
    const info = (name: string, offset: number) => [
      { text: name },
      { u32: 1 },
      { u64: 16 },
      { u32: 0 },
      { u64: offset },
    ];
    const two = (a: string, b: string, offset: number) => {
      const header = fields(GGUF, V3, { u64: 2 }, { u64: 0 }, ...info(a, 0), ...info(b, offset));
      return fields({ bytes: header }, { bytes: new Uint8Array(200) });
    };
    await refuses(two("a", "b", 32), /"a" and "b" overlap/);
    await refuses(two("a", "a", 64), /"a" occurs twice/);
    expect((await readGguf(source(two("a", "b", 64)))).tensors.size).toBe(2);
  });

  it("refuses versions and types that it does not know, and big-endian files", async () => {
    await refuses(fields(GGUF, { u32: 1 }, { u64: 0 }, { u64: 0 }), /version 1, but only 2 and 3/, RefusedError);
    await refuses(fields(GGUF, { u32: 3 << 24 }, { u64: 0 }, { u64: 0 }), /big-endian/, RefusedError);
    await refuses(oneTensor([4], 77), /element type 77/, RefusedError);
  });
});

describe("layoutGguf", () => {
  it.each(["F32", "F16", "BF16"] as const)("writes the bytes that Python's gguf writes: %s", (dtype) => {
    const golden = goldenGguf(`lora-${dtype.toLowerCase()}.gguf`);
    const specs = Object.entries(GGUF_MANIFEST.adapters[dtype]!).map(
      ([name, { shape }]): GgufTensorSpec => ({ name, dtype, shape }),
    );
    const layout = layoutGguf(
      [
        ["general.architecture", "llama"],
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
        ["adapter.lora.alpha", 16],
      ],
      specs,
    );
    expect(layout.size).toBe(golden.length);
    expect(layout.header).toEqual(golden.slice(0, layout.header.length));
    const bytes = new Uint8Array(layout.size);
    bytes.set(layout.header);
    for (const { begin, end } of layout.tensors.values()) bytes.set(golden.subarray(begin, end), begin);
    expect(bytes).toEqual(golden);
  });

  it("refuses a name twice", () => {
    const spec: GgufTensorSpec = { name: "t", dtype: "F32", shape: [1] };
    expect(() => layoutGguf([], [spec, spec])).toThrow(UsageError);
  });
});
