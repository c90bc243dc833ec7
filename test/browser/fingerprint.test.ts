import { expect, it } from "vitest";
import { fingerprint } from "../../src/browser/fingerprint.ts";
import { memorySource } from "../../src/core/bytes.ts";

const fileOf = (...bytes: readonly number[]) => memorySource("file", Uint8Array.from(bytes));

it("tells files by their sizes and their last bytes", async () => {
  // FNV-1a of "a" is e40c292c, and that of nothing the offset basis (RFC 9923, section 8).
  expect(await fingerprint([fileOf(0x61), fileOf()])).toBe("1-e40c292c 0-811c9dc5");
  const long = new Uint8Array(100_000);
  const [same, other] = [long.slice(), long.slice()];
  same[0] = 1;
  other[99_999] = 1;
  const [print, ofSame, ofOther] = await Promise.all(
    [long, same, other].map((bytes) => fingerprint([memorySource("file", bytes)])),
  );
  expect(ofSame).toBe(print);
  expect(ofOther).not.toBe(print);
});
