import { expect } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import type { FormatError, RefusedError } from "../../src/core/errors.ts";
import { readTorch } from "../../src/formats/torch/read.ts";

/** The file is refused soon, by an error of this class, in one short sentence that names it, has all `parts` and ends in a way out. */
export async function expectRefused(
  bytes: Uint8Array,
  kind: typeof FormatError | typeof RefusedError,
  ...parts: string[]
): Promise<void> {
  const started = performance.now();
  const error = await readTorch(memorySource("x.bin", bytes)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(kind);
  const { message } = error as Error;
  for (const part of ["x.bin", ...parts]) expect(message).toContain(part);
  expect(message).toMatch(/;.*\.$/);
  expect(message.length).toBeLessThan(1000);
  expect(performance.now() - started).toBeLessThan(5000);
}
