import { bytesOf, type FactorDtype } from "../core/dtype.ts";
import { type Arena, createArena, extentOf, requireLength, requireRows } from "./arena.ts";
import { type Divisor, type Kernels, RANK_ROOM } from "./kernels.ts";
import { WASM_HEX } from "./wasm-bytes.ts";

const PAGE_BYTES = 65_536;

/** The divisors of `electedMean` as its export takes them. */
const DIVIDE: Readonly<Record<Divisor, number>> = { none: 0, count: 1, weights: 2 };

/** The exports of kernels/assembly/index.ts. All arguments are addresses, byte strides, counts, or scalars. */
interface Exports {
  widen(
    dtype: number,
    from: number,
    fromStride: number,
    rows: number,
    length: number,
    to: number,
    toStride: number,
    factor: number,
  ): number;
  widenTransposed(
    dtype: number,
    from: number,
    rows: number,
    cols: number,
    to: number,
    toStride: number,
    factor: number,
  ): number;
  narrow(dtype: number, from: number, to: number, length: number): number;
  narrowTransposed(dtype: number, from: number, rows: number, fromStride: number, length: number, to: number): number;
  gram(rows: number, count: number, stride: number, length: number, out: number): void;
  gramF64(rows: number, count: number, stride: number, length: number, out: number): void;
  cross(
    rows: number,
    count: number,
    stride: number,
    others: number,
    otherCount: number,
    otherStride: number,
    length: number,
    out: number,
  ): void;
  manhattan(rows: number, count: number, stride: number, length: number, sign: number, out: number): void;
  combine(
    rows: number,
    stride: number,
    length: number,
    sums: number,
    offsets: number,
    members: number,
    coefficients: number,
    to: number,
    toStride: number,
  ): void;
  multiply(
    coefficients: number,
    outRows: number,
    rows: number,
    count: number,
    stride: number,
    length: number,
    to: number,
    toStride: number,
  ): void;
  electedMean(
    rows: number,
    count: number,
    stride: number,
    length: number,
    weights: number,
    weighted: number,
    byValue: number,
    divide: number,
    to: number,
  ): void;
  prune(row: number, length: number, threshold: number): number;
  countUpper(row: number, length: number, counts: number): void;
  countLower(row: number, length: number, upper: number, counts: number): void;
  draw(key: number, first: number, step: number, length: number, to: number): void;
  dropDrawn(row: number, length: number, draws: number, limit: number, density: number): void;
  ascending(row: number, length: number, order: number, room: number): void;
  dropRanked(row: number, length: number, order: number, draws: number, limits: number, factors: number): void;
  scale(row: number, length: number, factor: number): void;
  add(row: number, length: number, sums: number): void;
  maxAbs(rows: number, count: number, stride: number, length: number, out: number): void;
  squaredNorms(rows: number, count: number, stride: number, length: number, out: number): void;
}

/** The codes from kernels/assembly/elements.ts. */
const DTYPE_CODES: Record<FactorDtype, number> = { F64: 0, F32: 1, F16: 2, BF16: 3, F8_E4M3: 4, F8_E5M2: 5 };

let compiled: WebAssembly.Module | undefined;

/** The compiled kernels. Threads that share the module share its machine code, so optimising it in one speeds up all. */
export function kernelsModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(fromHex(WASM_HEX));
  return compiled;
}

/** The bytes that small hexadecimal digits say. */
function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  // In ASCII the digits 0 to 9 end in their value, and a to f, which have the bit 64, in theirs less 9.
  const digit = (at: number): number => {
    const code = hex.charCodeAt(at);
    return (code & 15) + 9 * (code >> 6);
  };
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => 16 * digit(2 * i) + digit(2 * i + 1));
}

/** The kernels with a memory of their own, which starts below 1 MB, and an arena that grows it. */
export function instantiate<Functions>(): {
  readonly memory: WebAssembly.Memory;
  readonly wasm: Functions;
  readonly arena: Arena;
} {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: PAGE_BYTES });
  const { exports } = new WebAssembly.Instance(kernelsModule(), { env: { memory } });
  const arena = createArena((exports.ARENA_START as WebAssembly.Global<"i32">).value, (end) => {
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    return memory.buffer;
  });
  return { memory, wasm: exports as Functions, arena };
}

/**
 * The kernels in WebAssembly SIMD. Each call has its own memory, which starts below 1 MB, grows in `reset` and never shrinks.
 * Compiles synchronously at the first call (milliseconds) unless a module is passed in. A view from another arena, from before
 * a `reset` that grew the memory, or too short for its kernel throws a RangeError.
 */
export function wasmKernels(module?: WebAssembly.Module): Kernels {
  compiled ??= module;
  const { memory, wasm, arena } = instantiate<Exports>();

  /** The address of a view of this arena that holds at least `length` elements. */
  function address(view: Float32Array | Float64Array | Uint32Array | Uint8Array, length: number, what: string): number {
    if (view.buffer !== memory.buffer) {
      throw new RangeError(`A kernel was given ${what} from outside its arena, or from before reset().`);
    }
    requireLength(view, length, what);
    return view.byteOffset;
  }

  return {
    backend: "wasm",
    ...arena,

    widen(dtype, src, srcStride, rows, length, dst, stride, factor) {
      const size = bytesOf(dtype);
      const from = address(src, extentOf(rows, srcStride, length) * size, "src");
      const to = address(dst, extentOf(rows, stride, length), "dst");
      return wasm.widen(DTYPE_CODES[dtype], from, srcStride * size, rows, length, to, stride * 4, factor) === 1;
    },

    widenTransposed(dtype, src, rows, cols, dst, stride, factor) {
      const from = address(src, rows * cols * bytesOf(dtype), "src");
      const to = address(dst, extentOf(cols, stride, rows), "dst");
      return wasm.widenTransposed(DTYPE_CODES[dtype], from, rows, cols, to, stride * 4, factor) === 1;
    },

    narrow(dtype, src, dst) {
      const to = address(dst, src.length * bytesOf(dtype), "dst");
      return wasm.narrow(DTYPE_CODES[dtype], address(src, 0, "src"), to, src.length) === 1;
    },

    narrowTransposed(dtype, src, count, stride, length, dst) {
      const from = address(src, extentOf(count, stride, length), "src");
      const to = address(dst, count * length * bytesOf(dtype), "dst");
      return wasm.narrowTransposed(DTYPE_CODES[dtype], from, count, stride * 4, length, to) === 1;
    },

    gram(rows, count, stride, length, out) {
      const from = address(rows, extentOf(count, stride, length), "rows");
      wasm.gram(from, count, stride * 4, length, address(out, count * count, "out"));
    },

    gramF64(rows, count, stride, length, out) {
      const from = address(rows, extentOf(count, stride, length), "rows");
      wasm.gramF64(from, count, stride * 4, length, address(out, count * count, "out"));
    },

    cross(rows, count, stride, others, otherCount, otherStride, length, out) {
      const from = address(rows, extentOf(count, stride, length), "rows");
      const partners = address(others, extentOf(otherCount, otherStride, length), "others");
      const to = address(out, count * otherCount, "out");
      wasm.cross(from, count, stride * 4, partners, otherCount, otherStride * 4, length, to);
    },

    manhattan(rows, count, stride, length, sign, out) {
      const from = address(rows, extentOf(count, stride, length), "rows");
      wasm.manhattan(from, count, stride * 4, length, sign, address(out, count * count, "out"));
    },

    combine(rows, stride, length, sums, dst, dstStride) {
      requireRows(rows, stride, length, sums);
      const count = sums.offsets.length - 1;
      wasm.combine(
        address(rows, 0, "rows"),
        stride * 4,
        length,
        count,
        address(sums.offsets, 1, "offsets"),
        address(sums.members, 0, "members"),
        address(sums.coefficients, 0, "coefficients"),
        address(dst, extentOf(count, dstStride, length), "dst"),
        dstStride * 4,
      );
    },

    multiply(coefficients, outRows, rows, count, stride, length, dst, dstStride) {
      const factors = address(coefficients, outRows * count, "coefficients");
      const from = address(rows, extentOf(count, stride, length), "rows");
      const to = address(dst, extentOf(outRows, dstStride, length), "dst");
      wasm.multiply(factors, outRows, from, count, stride * 4, length, to, dstStride * 4);
    },

    electedMean(rows, count, stride, length, weights, { weighted, byValue, divisor }, dst) {
      const from = address(rows, extentOf(count, stride, length), "rows");
      const factors = address(weights, count, "weights");
      const to = address(dst, length, "dst");
      wasm.electedMean(
        from,
        count,
        stride * 4,
        length,
        factors,
        Number(weighted),
        Number(byValue),
        DIVIDE[divisor],
        to,
      );
    },

    prune(row, threshold) {
      return wasm.prune(address(row, 0, "row"), row.length, threshold);
    },

    countUpper(row, counts) {
      wasm.countUpper(address(row, 0, "row"), row.length, address(counts, 2 ** 15, "counts"));
    },

    countLower(row, upper, counts) {
      wasm.countLower(address(row, 0, "row"), row.length, upper, address(counts, 2 ** 16, "counts"));
    },

    draw(key, first, step, draws) {
      wasm.draw(key, first, step, draws.length, address(draws, 0, "draws"));
    },

    dropDrawn(row, draws, limit, density) {
      wasm.dropDrawn(address(row, 0, "row"), row.length, address(draws, row.length, "draws"), limit, density);
    },

    ascending(row, order, room) {
      const { length } = row;
      const to = address(order, length, "order");
      wasm.ascending(address(row, 0, "row"), length, to, address(room, length + RANK_ROOM, "room"));
    },

    dropRanked(row, order, draws, limits, factors) {
      const { length } = row;
      wasm.dropRanked(
        address(row, 0, "row"),
        length,
        address(order, length, "order"),
        address(draws, length, "draws"),
        address(limits, length, "limits"),
        address(factors, length, "factors"),
      );
    },

    scale(row, factor) {
      wasm.scale(address(row, 0, "row"), row.length, factor);
    },

    add(row, sums) {
      wasm.add(address(row, 0, "row"), row.length, address(sums, row.length, "sums"));
    },

    maxAbs(rows, count, stride, length, out) {
      const from = address(rows, extentOf(count, stride, length), "rows");
      wasm.maxAbs(from, count, stride * 4, length, address(out, count, "out"));
    },

    squaredNorms(rows, count, stride, length, out) {
      const from = address(rows, extentOf(count, stride, length), "rows");
      wasm.squaredNorms(from, count, stride * 4, length, address(out, count, "out"));
    },
  };
}
