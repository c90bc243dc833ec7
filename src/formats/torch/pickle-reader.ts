import { FormatError } from "../../core/errors.ts";

const NEWLINE = 0x0a;

/** Reads the bytes of a pickle in order, never beyond its end: numbers, strings and lines. */
export class PickleReader {
  readonly fileName: string;
  protected readonly bytes: Uint8Array;
  protected at = 0;
  private readonly view: DataView;
  private readonly decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** @param fileName what messages call the file that holds the pickle. */
  constructor(bytes: Uint8Array, fileName: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fileName = fileName;
  }

  get bytesLeft(): number {
    return this.bytes.length - this.at;
  }

  /** An unsigned integer of 1, 2, 4 or 8 bytes; inexact from 2^53, which no length or index reaches. */
  unsigned(width: 1 | 2 | 4 | 8): number {
    const at = this.skip(width);
    if (width === 1) return this.view.getUint8(at);
    if (width === 2) return this.view.getUint16(at, true);
    return width === 4 ? this.view.getUint32(at, true) : Number(this.view.getBigUint64(at, true));
  }

  /** A signed integer of up to 8 bytes, preceded by their number. */
  long(): number {
    const width = this.unsigned(1);
    if (width > 8) this.fail(`an integer has ${width} bytes`);
    const at = this.skip(width);
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i]!);
    const number = Number(BigInt.asIntN(8 * width, value));
    return Number.isSafeInteger(number) ? number : this.fail("an integer is beyond 2^53");
  }

  /** A string of `length` bytes of UTF-8. */
  text(length: number): string {
    const at = this.skip(length);
    return this.decode(at, this.at);
  }

  /** A string up to the end of its line. */
  line(): string {
    const start = this.at;
    const end = this.bytes.indexOf(NEWLINE, start);
    if (end < 0) this.fail("a global's name has no end");
    this.at = end + 1;
    return this.decode(start, end);
  }

  private decode(start: number, end: number): string {
    try {
      return this.decoder.decode(this.bytes.subarray(start, end));
    } catch {
      return this.fail("a string is not valid UTF-8");
    }
  }

  /** Skip `length` bytes. @returns where they began */
  protected skip(length: number): number {
    const at = this.at;
    if (length > this.bytes.length - at) this.fail("it ends early");
    this.at += length;
    return at;
  }

  /** @throws FormatError always, with the position. */
  protected fail(problem: string): never {
    throw new FormatError(
      `${this.fileName}: its pickle is damaged before byte ${this.at}: ${problem}; nothing was executed; copy or download the file again.`,
    );
  }
}
