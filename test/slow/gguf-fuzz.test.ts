import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { LoraLegoError } from "../../src/core/errors.ts";
import { readGguf } from "../../src/formats/gguf/header.ts";
import { goldenGguf } from "../support/gguf.ts";
import { mutatedBytes } from "../support/mutations.ts";

const FILES = ["values.gguf", "lora-f32.gguf", "lora-q8_0.gguf"].map(goldenGguf);

/** Edits anywhere, and edits of the header alone, which is a small part of the file. */
const mutants: fc.Arbitrary<Uint8Array> = fc.constantFrom(...FILES).chain((bytes) => {
  const header = bytes.subarray(0, Math.min(bytes.length, 640));
  const inHeader = mutatedBytes(header).map((edited) => Uint8Array.from([...edited, ...bytes.subarray(header.length)]));
  return fc.oneof(mutatedBytes(bytes), inHeader);
});

describe("a mutated GGUF file", () => {
  it("is read, its tensors inside of the file, or refused by a typed error", async () => {
    let [read, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(mutants, async (bytes) => {
        try {
          const { tensors } = await readGguf(memorySource("x.gguf", bytes));
          for (const { begin, end } of tensors.values()) {
            expect(begin).toBeLessThanOrEqual(end);
            expect(end).toBeLessThanOrEqual(bytes.length);
          }
          read++;
        } catch (error) {
          if (!(error instanceof LoraLegoError)) throw error;
          refused++;
        }
      }),
      { numRuns: 20_000 },
    );
    expect(Math.min(read, refused)).toBeGreaterThan(500);
  });
});
