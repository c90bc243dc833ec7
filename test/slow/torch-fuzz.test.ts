import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ByteSource, memorySource } from "../../src/core/bytes.ts";
import { bytesOf } from "../../src/core/dtype.ts";
import { LoraLegoError } from "../../src/core/errors.ts";
import type { TensorInfo } from "../../src/formats/safetensors/header.ts";
import { readTorch } from "../../src/formats/torch/read.ts";
import { mutatedBytes } from "../support/mutations.ts";
import { rawZip, torchGoldens, type ZipFile } from "../support/torch.ts";

const goldens = torchGoldens().filter(({ tensors }) => tensors !== undefined);

/** The files of an archive by torch.save, by its directory. */
function unzip(bytes: Uint8Array): ZipFile[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - 22;
  const files: ZipFile[] = [];
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < view.getUint16(end + 10, true); i++) {
    const [nameBytes, extraBytes] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes));
    const header = view.getUint32(at + 42, true);
    const begin = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    files.push({ name, bytes: bytes.slice(begin, begin + view.getUint32(at + 24, true)) });
    at += 46 + nameBytes + extraBytes;
  }
  return files;
}

/** Opcodes, so that an edit of one byte often gives another pickle that is one. */
const opcode = fc.constantFrom(
  ...[..."(.)}]RbQqrhjtsuaeNKMJXc0o"].map((char) => char.charCodeAt(0)),
  0x81,
  0x85,
  0x86,
  0x87,
  0x88,
  0x89,
  0x8a,
  0x8c,
  0x93,
  0x94,
  0x95,
);

function mutatedPickle(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edits = fc.array(fc.tuple(fc.nat(), opcode, fc.boolean()), { minLength: 1, maxLength: 3 });
  const byOpcodes = edits.map((list) =>
    list.reduce((pickle, [position, code, insert]) => {
      const at = position % pickle.length;
      return Uint8Array.from([...pickle.subarray(0, at), code, ...pickle.subarray(at + (insert ? 0 : 1))]);
    }, bytes),
  );
  return fc.oneof(byOpcodes, mutatedBytes(bytes));
}

/** Whole archives, and archives around an edited pickle, so that the edits behind the archive's own are reached. */
const mutants: fc.Arbitrary<Uint8Array> = fc.constantFrom(...goldens).chain(({ bytes }) => {
  const files = unzip(bytes);
  const edited = mutatedPickle(files[0]!.bytes).map((pickle) =>
    rawZip([{ ...files[0]!, bytes: pickle }, ...files.slice(1)]),
  );
  return fc.oneof(mutatedBytes(bytes), { arbitrary: edited, weight: 3 });
});

/** Every range asked for must lie in the source, and so must every buffer; a read that hangs is the test's timeout. */
function watched(bytes: Uint8Array): ByteSource {
  const source = memorySource("mutant.bin", bytes);
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

/** Every tensor lies in the file and is as long as its shape says. */
function expectSound(tensors: ReadonlyMap<string, TensorInfo>, fileSize: number): void {
  for (const { dtype, shape, begin, end } of tensors.values()) {
    expect(begin).toBeGreaterThan(0);
    expect(end).toBeLessThan(fileSize);
    expect(end - begin).toBe(shape.reduce((a, b) => a * b, bytesOf(dtype)));
  }
}

describe("readTorch on damaged files", () => {
  it("takes archives apart as the fuzzing needs it", async () => {
    for (const { bytes, tensors } of goldens) {
      const again = await readTorch(memorySource("x.bin", rawZip(unzip(bytes))));
      expect([...again.keys()].sort()).toEqual(Object.keys(tensors!).sort());
    }
  });

  it("reads correctly or throws a LoraLegoError that names the file, within the file's own size", async () => {
    const outcomes = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(mutants, async (bytes) => {
        const started = performance.now();
        try {
          expectSound(await readTorch(watched(bytes)), bytes.length);
          outcomes.read++;
        } catch (error) {
          if (!(error instanceof LoraLegoError)) throw error;
          expect(error.message).toContain("mutant.bin");
          expect(error.message.length).toBeLessThan(1000);
          outcomes.refused++;
        }
        expect(performance.now() - started).toBeLessThan(2000);
      }),
      { numRuns: 20_000 },
    );
    // Some edits are harmless (data, devices, versions, names); most are not.
    expect(outcomes.read).toBeGreaterThan(500);
    expect(outcomes.refused).toBeGreaterThan(5000);
  });
});
