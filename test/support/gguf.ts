import { readFileSync } from "node:fs";

const FOLDER = new URL("../golden/gguf/", import.meta.url);

/** What tools/golden/gguf_files.py found, by the Python package gguf. */
export interface GgufManifest {
  /** Hugging Face's names to GGUF's, by architecture. */
  readonly names: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
  /** Entry i of order is the row that the permutation puts at i. */
  readonly orders: readonly { readonly rows: number; readonly heads: number; readonly order: number[] }[];
  readonly adapters: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly type: string; readonly shape: number[]; readonly values: number[] }>>
    >
  >;
  readonly values: Readonly<Record<string, unknown>>;
}

export const GGUF_MANIFEST: GgufManifest = JSON.parse(readFileSync(new URL("manifest.json", FOLDER), "utf8"));

/** A golden file's bytes. */
export function goldenGguf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)));
}

type Field = { u32: number } | { u64: number | bigint } | { f32: number } | { text: string } | { bytes: Uint8Array };

/** Little-endian fields one after the other: files written by hand, valid or not. */
export function fields(...list: readonly Field[]): Uint8Array {
  const parts = list.map((field): Uint8Array => {
    if ("u32" in field) return new Uint8Array(Uint32Array.of(field.u32).buffer);
    if ("u64" in field) return new Uint8Array(BigUint64Array.of(BigInt(field.u64)).buffer);
    if ("f32" in field) return new Uint8Array(Float32Array.of(field.f32).buffer);
    if ("bytes" in field) return field.bytes;
    const text = new TextEncoder().encode(field.text);
    return fields({ u64: text.length }, { bytes: text });
  });
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
