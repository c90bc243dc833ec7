import { createHash } from "node:crypto";

/** Lists of numbers from this length on are written as bytes, which takes a third of the room. */
const LONG = 32;

/**
 * Plain data as text that keeps what JSON loses: maps, arrays of f64, -0, NaN and infinities. The same data, its fields in the same
 * order, gives the same text.
 */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Map) return { $map: [...part] };
    if (part instanceof Float64Array) return { $f64: base64(part) };
    if (Array.isArray(part) && part.length >= LONG && part.every((item) => typeof item === "number")) {
      return { $numbers: base64(Float64Array.from(part)) };
    }
    if (typeof part === "number" && (!Number.isFinite(part) || Object.is(part, -0))) return { $number: sign(part) };
    return part;
  });
}

/** What `encode` wrote; nothing else is known about it until it has been checked. @throws SyntaxError for other text */
export function decode(text: string): unknown {
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    const fields = Object.entries(part) as [string, unknown][];
    const [kind, held] = fields.length === 1 ? fields[0]! : ["", null];
    if (kind === "$map" && Array.isArray(held)) return new Map(held as [unknown, unknown][]);
    if (kind === "$f64" && typeof held === "string") return numbers(held);
    if (kind === "$numbers" && typeof held === "string") return [...numbers(held)];
    if (kind === "$number") return Number(held);
    return part;
  });
}

/** SHA-256 of a text: the name of what it describes. */
export function contentId(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function sign(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function base64({ buffer, byteOffset, byteLength }: Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function numbers(text: string): Float64Array {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  return new Float64Array(bytes.buffer, 0, Math.floor(bytes.length / 8));
}
