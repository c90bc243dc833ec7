import { describe, expect, it } from "vitest";
import { type ByteSource, blobSource, endsEarly, memorySink, memorySource } from "../../src/core/bytes.ts";
import { FormatError } from "../../src/core/errors.ts";
import { rejection } from "../support/memory-folder.ts";

const content = Uint8Array.from([10, 11, 12, 13, 14]);
/** A view into a larger buffer, whose other bytes must never show. */
const view = Uint8Array.from([99, ...content, 99]).subarray(1, 6);

describe.each<[string, () => ByteSource]>([
  ["memorySource", () => memorySource("x.bin", content)],
  ["memorySource of a view", () => memorySource("x.bin", view)],
  ["blobSource", () => blobSource("x.bin", new Blob([content]))],
  [
    "blobSource of a slice",
    () => blobSource("x.bin", new Blob([Uint8Array.of(99), content, Uint8Array.of(99)]).slice(1, 6)),
  ],
])("%s", (_, open) => {
  it("has a name and a size", () => {
    expect(open()).toMatchObject({ name: "x.bin", size: 5 });
  });

  it("fills a buffer from an offset on", async () => {
    const into = new Uint8Array(3);
    await open().read(1, into);
    expect([...into]).toEqual([11, 12, 13]);
  });

  it("fills a view and nothing beside it", async () => {
    const buffer = new Uint8Array(6).fill(7);
    await open().read(2, buffer.subarray(1, 4));
    expect([...buffer]).toEqual([7, 12, 13, 14, 7, 7]);
  });

  it("reads all, and nothing at its very end", async () => {
    const into = new Uint8Array(5);
    await open().read(0, into);
    expect(into).toEqual(content);
    await open().read(5, new Uint8Array(0));
  });

  it.each([
    [0, 6],
    [5, 1],
    [4, 2],
    [6, 0],
    [-1, 1],
    [-1, 3],
  ])("refuses the range from %i of %i bytes, which it does not hold, and writes nothing", async (offset, length) => {
    const into = new Uint8Array(length).fill(7);
    const error = await rejection(open().read(offset, into));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain("x.bin ends early: it has 5 bytes");
    expect(error.message).toContain(`bytes ${offset} to ${offset + length}`);
    expect(into.every((byte) => byte === 7)).toBe(true);
  });
});

describe("memorySink", () => {
  it("keeps what is written, in any order, zeros elsewhere", async () => {
    const sink = memorySink(6);
    await sink.write(4, Uint8Array.of(5));
    await sink.write(1, Uint8Array.of(1, 2));
    await sink.write(6, new Uint8Array(0));
    expect([...sink.bytes]).toEqual([0, 1, 2, 0, 5, 0]);
  });

  it("copies what is written", async () => {
    const sink = memorySink(1);
    const bytes = Uint8Array.of(1);
    await sink.write(0, bytes);
    bytes[0] = 9;
    expect(sink.bytes[0]).toBe(1);
  });

  it("does not grow", async () => {
    await expect(memorySink(2).write(1, Uint8Array.of(1, 2))).rejects.toThrow(RangeError);
  });
});

describe("endsEarly", () => {
  it("says what is there, what is needed and what to do", () => {
    expect(endsEarly({ name: "a/b.safetensors", size: 7 }, 5, 4).message).toBe(
      "a/b.safetensors ends early: it has 7 bytes, but bytes 5 to 9 are needed; copy or download it again.",
    );
  });
});
