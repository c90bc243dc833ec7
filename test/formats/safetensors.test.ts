import { describe, expect, it } from "vitest";
import { blobSource, memorySource } from "../../src/core/bytes.ts";
import { FormatError } from "../../src/core/errors.ts";
import { MAX_HEADER_BYTES, parseHeader, readHeader, tensorBytes } from "../../src/formats/safetensors/header.ts";
import { goldenFiles, rawSafetensors } from "../support/safetensors.ts";

const read = (bytes: Uint8Array) => readHeader(memorySource("x.safetensors", bytes));

/** The file is refused, in a message that names it and has all `parts`. */
async function refuses(bytes: Uint8Array, ...parts: string[]): Promise<void> {
  const error = await read(bytes).then(
    () => expect.fail("was read"),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(FormatError);
  for (const part of ["x.safetensors", ...parts]) expect((error as Error).message).toContain(part);
}

/** A file of one F32 tensor of 4 bytes, with the given fields changed. */
const oneTensor = (change: object, data = 4) =>
  rawSafetensors({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4], ...change } }, data);

const text = (text: string) => new TextEncoder().encode(text);

describe("readHeader", () => {
  it.each(goldenFiles())("reads Python's $name", async ({ bytes, metadata, tensors }) => {
    for (const source of [memorySource("x", bytes), blobSource("x", new Blob([bytes as BlobPart]))]) {
      const header = await readHeader(source);
      expect(Object.fromEntries(header.metadata)).toEqual({ ...metadata });
      expect(new Set(header.tensors.keys())).toEqual(new Set(tensors.map(({ name }) => name)));
      for (const { name, dtype, shape, hex } of tensors) {
        const info = header.tensors.get(name)!;
        expect(info).toMatchObject({ dtype, shape });
        const data = new Uint8Array(info.end - info.begin);
        await source.read(info.begin, data);
        expect(Buffer.from(data).toString("hex")).toBe(hex);
      }
    }
  });

  it("reads nothing but the length field and the header", async () => {
    const golden = goldenFiles().find(({ name }) => name === "lora")!;
    const source = memorySource("x", golden.bytes);
    const reads: number[][] = [];
    const header = await readHeader({
      ...source,
      read(offset, into) {
        reads.push([offset, into.byteLength]);
        return source.read(offset, into);
      },
    });
    expect(reads).toEqual([
      [0, 8],
      [8, header.headerBytes - 8],
    ]);
  });

  it("gives offsets from the start of the file, in the order of the data, whatever the order of the header", async () => {
    const file = rawSafetensors(
      {
        b: { dtype: "U8", shape: [3], data_offsets: [4, 7] },
        a: { data_offsets: [0, 4], shape: [1], dtype: "F32" },
        c: { shape: [2, 1], dtype: "F16", data_offsets: [7, 11] },
      },
      11,
    );
    const { tensors, headerBytes } = await read(file);
    expect(headerBytes).toBe(file.length - 11);
    expect([...tensors.keys()]).toEqual(["a", "b", "c"]);
    expect(tensors.get("c")).toEqual({ dtype: "F16", shape: [2, 1], begin: headerBytes + 7, end: headerBytes + 11 });
  });

  it("reads empty tensors anywhere between the others", async () => {
    const empty = { dtype: "F32", shape: [0, 4] };
    const file = rawSafetensors(
      {
        end: { ...empty, data_offsets: [4, 4] },
        a: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
        start: { ...empty, data_offsets: [0, 0] },
        twin: { ...empty, data_offsets: [0, 0] },
      },
      4,
    );
    expect([...(await read(file)).tensors.keys()]).toEqual(["start", "twin", "a", "end"]);
  });

  it("reads a file without tensors, without metadata, and with null for metadata", async () => {
    expect(await read(rawSafetensors("{}"))).toEqual({ metadata: new Map(), tensors: new Map(), headerBytes: 10 });
    expect((await read(rawSafetensors('{"__metadata__":null}'))).metadata.size).toBe(0);
  });

  it("reads a header padded with white space or not at all", async () => {
    expect((await read(rawSafetensors("{}   \n\t "))).tensors.size).toBe(0);
    expect((await read(rawSafetensors('{"__metadata__":{"a":"b"}}'))).metadata.get("a")).toBe("b");
  });

  it("ignores unknown fields of a tensor", async () => {
    expect((await read(oneTensor({ stride: [[1]], note: null }))).tensors.size).toBe(1);
  });

  it("reads elements of 4 and 6 bits that fill whole bytes", async () => {
    expect((await read(oneTensor({ dtype: "F4", shape: [2, 4] }))).tensors.size).toBe(1);
    expect((await read(oneTensor({ dtype: "F6_E2M3", shape: [4], data_offsets: [0, 3] }, 3))).tensors.size).toBe(1);
  });
});

describe("readHeader refuses", () => {
  it("a file shorter than its length field", async () => {
    await refuses(new Uint8Array(0), "has 0 bytes");
    await refuses(new Uint8Array(7), "has 7 bytes", "8 bytes of header length", "download it again");
  });

  it("a header length beyond the cap before anything is allocated", async () => {
    await refuses(rawSafetensors("{}", 0, BigInt(MAX_HEADER_BYTES) + 1n), "100000001", "at most 100000000");
    await refuses(rawSafetensors("{}", 0, 2n ** 64n - 1n), "18446744073709551615");
  });

  it("a header length beyond the file's end", async () => {
    await refuses(rawSafetensors("{}", 0, 3n), "header of 3 bytes, but only 2 bytes follow", "truncated");
    await refuses(rawSafetensors("{}", 0, BigInt(MAX_HEADER_BYTES)), "only 2 bytes follow");
  });

  it("a header that does not start with a brace", async () => {
    await refuses(rawSafetensors(' {"a":1}'), 'starts with the byte 0x20, but must start with "{"');
    await refuses(rawSafetensors("[]"), "0x5b");
    await refuses(rawSafetensors("\ufeff{}"), "0xef");
    await refuses(rawSafetensors(""), "is empty");
  });

  it("a header that is not UTF-8", async () => {
    await refuses(rawSafetensors(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), "not valid UTF-8");
  });

  it("a header that is not JSON, with the place", async () => {
    await refuses(rawSafetensors('{"a":}'), "header, line 1, column 6", "expected a value");
    await refuses(rawSafetensors("{}\0"), "expected the end of the text");
  });

  it("duplicate keys, in the header, the metadata and a tensor", async () => {
    const tensor = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
    await refuses(rawSafetensors(`{"a":${tensor},"a":${tensor}}`, 4), 'the key "a" occurs twice');
    await refuses(rawSafetensors('{"__metadata__":{"a":"1","a":"2"}}'), 'the key "a" occurs twice');
    await refuses(rawSafetensors(`{"a":${tensor.replace("{", '{"shape":[1],')}}`, 4), 'the key "shape" occurs twice');
  });

  it("metadata other than strings by name", async () => {
    await refuses(rawSafetensors({ __metadata__: "pt" }), 'must be an object of strings, but is "pt"');
    await refuses(rawSafetensors({ __metadata__: { rank: 8 } }), '"rank" must be a string, but is 8');
    await refuses(rawSafetensors({ __metadata__: { a: null } }), '"a" must be a string, but is null');
  });

  it("a tensor that is not an object", async () => {
    await refuses(rawSafetensors({ a: 7 }), 'tensor "a" must have an object', "but has 7");
    await refuses(rawSafetensors({ a: ["F32", [1], [0, 4]] }, 4), 'tensor "a" must have an object');
  });

  it("an unknown or missing dtype", async () => {
    await refuses(oneTensor({ dtype: "F99" }), 'tensor "a" must have a dtype', 'but has "F99"');
    await refuses(oneTensor({ dtype: undefined }), "has nothing");
    await refuses(oneTensor({ dtype: "toString" }), '"toString"');
    await refuses(oneTensor({ dtype: 1 }), "has 1");
  });

  it("a shape that is not a list of counts", async () => {
    for (const shape of [undefined, 1, [-1], [1.5], ["1"], [2 ** 53], [[1]], [null]]) {
      await refuses(oneTensor({ shape }), 'tensor "a" must have a shape of integers');
    }
    await refuses(rawSafetensors('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), "must have a shape");
  });

  it("data_offsets that are not two counts", async () => {
    for (const data_offsets of [undefined, [0], [0, 4, 4], [-4, 0], [0, 4.5], ["0", "4"], { 0: 0, 1: 4 }]) {
      await refuses(oneTensor({ data_offsets }), 'tensor "a" must have data_offsets [begin, end]');
    }
  });

  it("data_offsets that end before they begin", async () => {
    await refuses(oneTensor({ data_offsets: [4, 0] }), "begin is not after their end", "[4, 0]");
  });

  it("shapes whose product overflows, even beside a zero", async () => {
    for (const shape of [
      [2 ** 52, 2 ** 52],
      [2 ** 51, 1],
      [2 ** 40, 2 ** 40, 0],
    ]) {
      await refuses(oneTensor({ shape }), "takes more than 2^53 bits");
    }
    expect(tensorBytes("F32", [0, 2 ** 40, 2 ** 40])).toBe(0);
  });

  it("a tensor whose data is not as long as its shape says", async () => {
    await refuses(oneTensor({ shape: [2] }), '"a" of F32 [2] takes 8 bytes', "[0, 4] hold 4");
    await refuses(oneTensor({ shape: [0] }), "takes 0 bytes");
    await refuses(oneTensor({ dtype: "F16" }), "takes 2 bytes");
  });

  it("elements of 4 or 6 bits that do not fill whole bytes", async () => {
    await refuses(
      oneTensor({ dtype: "F4", shape: [3], data_offsets: [0, 2] }, 2),
      "1.5 bytes, which are not whole bytes",
    );
    await refuses(oneTensor({ dtype: "F6_E3M2", shape: [5] }), "3.75 bytes");
  });

  const f32 = (begin: number) => ({ dtype: "F32", shape: [1], data_offsets: [begin, begin + 4] });

  it("overlapping data_offsets", async () => {
    await refuses(rawSafetensors({ a: f32(0), b: f32(2) }, 6), 'tensor "b" overlaps tensor "a"', "begin at 2", "at 4");
    await refuses(rawSafetensors({ a: f32(0), b: f32(0) }, 4), 'tensor "b" overlaps tensor "a"');
  });

  it("holes between tensors and before the first", async () => {
    await refuses(rawSafetensors({ a: f32(0), b: f32(6) }, 10), 'tensor "b" leaves a hole after tensor "a"');
    await refuses(rawSafetensors({ a: f32(4) }, 8), 'tensor "a" leaves a hole after the header');
  });

  it("a truncated file, saying how many bytes are missing", async () => {
    await refuses(rawSafetensors({ a: f32(0), b: f32(4) }, 5), "is truncated", "3 bytes are missing", "download");
  });

  it("bytes after the last tensor", async () => {
    await refuses(rawSafetensors({ a: f32(0) }, 5), "has 1 bytes after the last tensor");
    await refuses(rawSafetensors("{}", 8), "has 8 bytes after the last tensor");
  });

  it("another format, saying which and what to do", async () => {
    const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 1192672\n";
    await refuses(text(pointer), "it is a Git LFS pointer", "git lfs pull");
    await refuses(text("<!DOCTYPE html><html>"), "it is an HTML or XML page", "download the file itself");
    await refuses(text("PK\x03\x04\0\0\0\0\0\0\0\0\0\0"), "it is a zip archive", ".bin");
    await refuses(Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46), "it is a Python pickle");
    await refuses(text("GGUF\x03\0\0\0\x10\0\0\0"), "it is a GGUF file");
    await refuses(text('{\n  "weight_map": {}}'), "it is JSON text", "index.json");
    await refuses(text("Entry not found"), "it is text");
  });
});

describe("parseHeader", () => {
  it("checks the tensors against the file's size without having the file", () => {
    const json = text(JSON.stringify({ a: { dtype: "F32", shape: [2 ** 40], data_offsets: [0, 2 ** 42] } }));
    expect(parseHeader(json, 100, 100 + 2 ** 42, "big").tensors.get("a")!.end).toBe(100 + 2 ** 42);
    expect(() => parseHeader(json, 100, 99 + 2 ** 42, "big")).toThrow("1 bytes are missing");
  });
});
