import { describe, expect, it } from "vitest";
import type { FactorDtype, OutputDtype } from "../../src/core/dtype.ts";
import { READ_ELEMENT, WRITE_ELEMENT } from "../../src/core/elements.ts";

/** -2.5 in every type, its bytes as they stand in a file. */
const BYTES: Readonly<Record<FactorDtype, readonly number[]>> = {
  F64: [0, 0, 0, 0, 0, 0, 0x04, 0xc0],
  F32: [0, 0, 0x20, 0xc0],
  F16: [0x00, 0xc1],
  BF16: [0x20, 0xc0],
  F8_E4M3: [0xc2],
  F8_E5M2: [0xc1],
};

describe("elements", () => {
  it.each(Object.entries(BYTES))("are read in %s, little-endian, wherever they begin", (dtype, bytes) => {
    const view = new DataView(Uint8Array.from([255, ...bytes, 255]).buffer);
    expect(READ_ELEMENT[dtype as FactorDtype](view, 1)).toBe(-2.5);
  });

  it.each(["F32", "F16", "BF16"] as const)("are written in %s, and told where they leave it", (dtype: OutputDtype) => {
    const bytes = new Uint8Array(BYTES[dtype].length + 2).fill(255);
    const view = new DataView(bytes.buffer);
    expect(WRITE_ELEMENT[dtype](view, 1, -2.5)).toBe(true);
    expect([...bytes]).toEqual([255, ...BYTES[dtype], 255]);
    const beyond = { F32: Number.POSITIVE_INFINITY, F16: 65520, BF16: 3.4e38 }[dtype];
    expect(WRITE_ELEMENT[dtype](view, 1, beyond)).toBe(false);
    expect(READ_ELEMENT[dtype](view, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(WRITE_ELEMENT[dtype](view, 1, Number.NaN)).toBe(false);
  });
});
