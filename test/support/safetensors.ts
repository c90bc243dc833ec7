import { readdirSync, readFileSync } from "node:fs";
import type { Dtype } from "../../src/core/dtype.ts";

/** A file of the format's three parts, valid or not; `length` is the header's true length unless told. */
export function rawSafetensors(header: string | object | Uint8Array, data = 0, length?: bigint): Uint8Array {
  const json =
    header instanceof Uint8Array
      ? header
      : new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.byteLength + data);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.byteLength), true);
  file.set(json, 8);
  return file;
}

/** A file that Python's safetensors wrote, and what it holds. */
export interface Golden {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly metadata: Record<string, string> | null;
  readonly tensors: readonly { name: string; dtype: Dtype; shape: number[]; hex: string }[];
}

/** Every golden file of test/golden/safetensors. */
export function goldenFiles(): Golden[] {
  const folder = new URL("../golden/safetensors/", import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8"));
  const names = readdirSync(folder).filter((file) => file.endsWith(".safetensors"));
  return names.map((file) => {
    const name = file.replace(".safetensors", "");
    return { name, bytes: new Uint8Array(readFileSync(new URL(file, folder))), ...manifest.files[name] };
  });
}
