import { createHash, randomBytes } from "node:crypto";
import { createSHA256 } from "hash-wasm";
import { describe, expect, it } from "vitest";
import { sha256Of } from "../../src/browser/hash.ts";

describe("a hash in the page", () => {
  it.each([0, 1, 1 << 22, (1 << 22) + 5, 9_000_001])(
    "of %i bytes is that of Node, whole and in pieces",
    async (size) => {
      const bytes = new Uint8Array(randomBytes(size));
      const expected = createHash("sha256").update(bytes).digest("hex");
      let turns = 0;
      const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
        turns++;
        return work();
      };
      for (const file of [{ blob: new Blob([bytes]) }, { bytes }]) {
        expect(await sha256Of("file", [file], { begin: createSHA256, inTurn })).toBe(expected);
        expect(await sha256Of("file", [file], { begin: createSHA256, inTurn: null })).toBe(expected);
      }
      expect(turns).toBe(2);
      const parts = [{ bytes: bytes.subarray(0, size >> 1) }, { blob: new Blob([bytes.subarray(size >> 1)]) }];
      expect(await sha256Of("file", parts, { begin: createSHA256, inTurn })).toBe(expected);
      expect(bytes.byteLength).toBe(size);
    },
  );
});
