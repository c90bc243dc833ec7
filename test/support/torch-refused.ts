import { expect } from "vitest";
import { type ByteSource, memorySource } from "../../src/core/bytes.ts";
import type { FormatError, RefusedError } from "../../src/core/errors.ts";
import { readTorch } from "../../src/formats/torch/read.ts";

/** More than any small file needs: the end of its directory is looked for in the last 64 KiB. */
const BYTES_BESIDE = 1 << 18;

/**
 * The file is refused, after reading no byte of it more than a few times, by an error of this class, in one short sentence that names it,
 * has all `parts` and ends in a way out.
 */
export async function expectRefused(
  bytes: Uint8Array,
  kind: typeof FormatError | typeof RefusedError,
  ...parts: string[]
): Promise<void> {
  const memory = memorySource("x.bin", bytes);
  let read = 0;
  const source: ByteSource = {
    name: memory.name,
    size: memory.size,
    read(offset, into) {
      read += into.length;
      return memory.read(offset, into);
    },
  };
  const error = await readTorch(source).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(kind);
  const { message } = error as Error;
  for (const part of ["x.bin", ...parts]) expect(message).toContain(part);
  expect(message).toMatch(/;.*\.$/);
  expect(message.length).toBeLessThan(1000);
  expect(read).toBeLessThanOrEqual(4 * bytes.length + BYTES_BESIDE);
}
