import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ByteSource, memorySource } from "../../src/core/bytes.ts";
import { bytesOf } from "../../src/core/dtype.ts";
import { LoraLegoError } from "../../src/core/errors.ts";
import { parseStrictJson } from "../../src/formats/json.ts";
import { readHeader, type SafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { mutatedBytes, mutatedJson } from "../support/mutations.ts";
import { goldenFiles, rawSafetensors } from "../support/safetensors.ts";

const goldens = goldenFiles();

/** A golden file's header as text, and its data. */
function parts(bytes: Uint8Array): { json: string; data: Uint8Array } {
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return { json: new TextDecoder().decode(bytes.subarray(8, start)), data: bytes.subarray(start) };
}

/** Files whose JSON is edited have the right length in front, so that the edits are reached. */
const mutants: fc.Arbitrary<Uint8Array> = fc.constantFrom(...goldens).chain(({ bytes }) => {
  const { json, data } = parts(bytes);
  const edited = mutatedJson(json).map((text) => {
    const file = rawSafetensors(text, data.length);
    file.set(data, file.length - data.length);
    return file;
  });
  return fc.oneof(mutatedBytes(bytes), { arbitrary: edited, weight: 3 }, edited.chain(mutatedBytes));
});

/** Every range asked for must lie in the source, and so must every buffer; a read that hangs is the test's timeout. */
function watched(bytes: Uint8Array): ByteSource {
  const source = memorySource("mutant.safetensors", bytes);
  return {
    ...source,
    read(offset, into) {
      expect(offset).toBeGreaterThanOrEqual(0);
      expect(into.buffer.byteLength).toBeLessThanOrEqual(bytes.length);
      expect(offset + into.byteLength).toBeLessThanOrEqual(bytes.length);
      return source.read(offset, into);
    },
  };
}

/** The tensors fill the file from the header to the end, each as long as its shape says. */
function expectSound(header: SafetensorsHeader, fileSize: number): void {
  let end = header.headerBytes;
  for (const info of header.tensors.values()) {
    expect(info.begin).toBe(end);
    expect(info.end - info.begin).toBe(info.shape.reduce((a, b) => a * b, bytesOf(info.dtype)));
    end = info.end;
  }
  expect(end).toBe(fileSize);
}

describe("readHeader on damaged files", () => {
  it("reads correctly or throws a LoraLegoError that names the file, within the file's own size", async () => {
    const outcomes = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(mutants, async (bytes) => {
        const started = performance.now();
        try {
          expectSound(await readHeader(watched(bytes)), bytes.length);
          outcomes.read++;
        } catch (error) {
          if (!(error instanceof LoraLegoError)) throw error;
          expect(error.message).toContain("mutant.safetensors");
          expect(error.message.length).toBeLessThan(1000);
          outcomes.refused++;
        }
        expect(performance.now() - started).toBeLessThan(2000);
      }),
      { numRuns: 20_000 },
    );
    // Some edits are harmless (white space, metadata, unused values); most are not.
    expect(outcomes.read).toBeGreaterThan(500);
    expect(outcomes.refused).toBeGreaterThan(5000);
  });
});

describe("parseStrictJson on damaged texts", () => {
  it("gives what JSON.parse gives or throws a LoraLegoError", () => {
    const texts = goldens.map(({ bytes }) => parts(bytes).json);
    fc.assert(
      fc.property(fc.constantFrom(...texts).chain(mutatedJson), (text) => {
        let value: unknown;
        try {
          value = parseStrictJson(text, "mutant.json");
        } catch (error) {
          if (!(error instanceof LoraLegoError)) throw error;
          return;
        }
        expect(value).toEqual(JSON.parse(text));
      }),
      { numRuns: 10_000 },
    );
  });
});
