import type { ByteSource } from "../../core/bytes.ts";
import { FormatError } from "../../core/errors.ts";

/** Bytes of the first fetch; each further fetch doubles. */
const FIRST_BYTES = 1 << 16;
const MOST_BYTES = 4 << 20;

/** Reads a file from its start, field by field, fetching ranges as they are needed. All numbers are little-endian. */
export class RangeReader {
  readonly #source: ByteSource;
  /** No field may end beyond this. */
  readonly #limit: number;
  #window = new DataView(new ArrayBuffer(0));
  #begin = 0;
  #next = FIRST_BYTES;
  /** Offset of the next field. */
  position = 0;

  constructor(source: ByteSource, limit: number) {
    this.#source = source;
    this.#limit = Math.min(limit, source.size);
  }

  /** Bytes left up to the limit. */
  get left(): number {
    return this.#limit - this.position;
  }

  /** The next `count` bytes as a view that stays valid until the next call. */
  async take(count: number): Promise<DataView> {
    if (count > this.left) throw this.ends(count);
    const from = this.position - this.#begin;
    if (from + count > this.#window.byteLength) await this.#fetch(count);
    const view = new DataView(this.#window.buffer, this.position - this.#begin, count);
    this.position += count;
    return view;
  }

  /** The error for a field that does not fit. */
  ends(count: number): FormatError {
    const { name, size } = this.#source;
    return new FormatError(
      this.#limit < size
        ? `${name} has a header of more than ${this.#limit} bytes, more than any adapter has; pass the adapter's own file.`
        : `${name} ends early: it has ${size} bytes, but bytes ${this.position} to ${this.position + count} are needed; copy or download it again.`,
    );
  }

  async #fetch(count: number): Promise<void> {
    const length = Math.min(Math.max(this.#next, count), this.left);
    this.#next = Math.min(2 * this.#next, MOST_BYTES);
    const bytes = new Uint8Array(length);
    await this.#source.read(this.position, bytes);
    this.#window = new DataView(bytes.buffer);
    this.#begin = this.position;
  }

  async uint32(): Promise<number> {
    return (await this.take(4)).getUint32(0, true);
  }

  /** An unsigned 64-bit number, a bigint beyond 2^53. */
  async uint64(): Promise<number | bigint> {
    return narrowed((await this.take(8)).getBigUint64(0, true));
  }
}

/** An integer as a number where that is exact, else a bigint. */
export function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
