import type { ByteSink } from "../core/bytes.ts";
import { layoutSafetensors } from "../formats/safetensors/layout.ts";
import type { Conversion, WrittenTensor } from "./conversion.ts";

/**
 * The hashes by which sd-scripts lets programs recognise an adapter whatever is said about it: SHA-256 of the tensors' bytes; and the first 8
 * digits of that of 64 KiB of the file, 1 MiB from its start, as the file would be with its ss_ metadata alone (addnet_hash_legacy there).
 */
interface TensorHashes {
  readonly sshs_model_hash: string;
  readonly sshs_legacy_hash: string;
}

/** Metadata of the same length, before the bytes are known. */
const TO_COME: TensorHashes = { sshs_model_hash: "0".repeat(64), sshs_legacy_hash: "0".repeat(8) };

const LEGACY_BEGIN = 1 << 20;
const LEGACY_END = LEGACY_BEGIN + (1 << 16);

/** Tensors in a safetensors file whose metadata have hashes of their bytes. */
export function inHashedSafetensors(
  tensors: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>>,
): Pick<Conversion, "tensors" | "layout" | "hashed"> {
  return { tensors, layout: layoutSafetensors(tensors, { ...metadata, ...TO_COME }), hashed: metadata };
}

/** A sink that hashes tensors on their way, and the header that follows from them. */
export interface HashingSink extends ByteSink {
  /** Once all tensors are written. */
  header(): Uint8Array;
}

/**
 * Hash the tensors of a file as they are written, in the order of the file.
 *
 * @param metadata of the file, without the hashes
 */
export async function hashingSink(
  sink: ByteSink,
  { tensors, layout }: Pick<Conversion, "tensors" | "layout">,
  metadata: Readonly<Record<string, string>>,
): Promise<HashingSink> {
  const { createSHA256 } = await import("hash-wasm");
  const [model, legacy] = [await createSHA256(), await createSHA256()];
  const trained = Object.fromEntries(Object.entries(metadata).filter(([key]) => key.startsWith("ss_")));
  const bare = layoutSafetensors(tensors, trained).header;
  // Offsets in the file as it would be with its ss_ metadata alone.
  const addLegacy = (offset: number, bytes: Uint8Array) => {
    const part = bytes.subarray(Math.max(0, LEGACY_BEGIN - offset), Math.max(0, LEGACY_END - offset));
    if (part.length > 0) legacy.update(part);
  };
  addLegacy(0, bare);
  let next = layout.header.length;
  return {
    async write(offset, bytes) {
      if (offset !== next) throw new Error(`bytes at ${offset} do not follow those before ${next}`);
      next += bytes.length;
      model.update(bytes);
      addLegacy(offset - layout.header.length + bare.length, bytes);
      await sink.write(offset, bytes);
    },
    header() {
      const hashes: TensorHashes = {
        sshs_model_hash: model.digest("hex"),
        sshs_legacy_hash: legacy.digest("hex").slice(0, TO_COME.sshs_legacy_hash.length),
      };
      return layoutSafetensors(tensors, { ...metadata, ...hashes }).header;
    },
  };
}
