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

/** The largest number of every type and the least above zero, worked out from its bits of exponent and fraction. */
const EDGES: Readonly<Record<FactorDtype, { readonly largest: number; readonly least: number }>> = {
  F64: { largest: Number.MAX_VALUE, least: Number.MIN_VALUE },
  F32: { largest: (2 - 2 ** -23) * 2 ** 127, least: 2 ** -149 },
  F16: { largest: 65504, least: 2 ** -24 },
  BF16: { largest: (2 - 2 ** -7) * 2 ** 127, least: 2 ** -133 },
  F8_E4M3: { largest: 448, least: 2 ** -9 },
  F8_E5M2: { largest: 57344, least: 2 ** -16 },
};
/** The bits of the largest number; those of the least are 1. */
const LARGEST: Readonly<Record<FactorDtype, bigint>> = {
  F64: 0x7fefffffffffffffn,
  F32: 0x7f7fffffn,
  F16: 0x7bffn,
  BF16: 0x7f7fn,
  F8_E4M3: 0x7en,
  F8_E5M2: 0x7bn,
};

describe("elements", () => {
  it.each(Object.entries(EDGES))("are read at the ends of %s, and so is minus zero", (name, { largest, least }) => {
    const dtype = name as FactorDtype;
    const read = (bits: bigint): number => {
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, bits, true);
      return READ_ELEMENT[dtype](view, 0);
    };
    const minus = 1n << BigInt(8 * BYTES[dtype].length - 1);
    expect([read(LARGEST[dtype]), read(1n)]).toEqual([largest, least]);
    expect([read(minus | LARGEST[dtype]), read(minus | 1n)]).toEqual([-largest, -least]);
    expect(Object.is(read(minus), -0)).toBe(true);
  });

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
