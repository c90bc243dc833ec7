import { RefusedError } from "../../core/errors.ts";
import type { ModelConfig } from "../../formats/model-config.ts";
import { type GgufFamily, permutedBy } from "./gguf.ts";

/**
 * Where llama.cpp puts the rows of a query or key matrix: per head, the two halves that rotate together are interleaved
 * (convert_hf_to_gguf: reshape to (heads, 2, d / 2), swap the last two).
 *
 * @param rows of the matrix; a multiple of twice the heads
 * @returns entry i is the row of Hugging Face's matrix that is row i in the GGUF file
 */
export function permutedRows(rows: number, heads: number): Int32Array {
  const half = rows / heads / 2;
  return Int32Array.from({ length: rows }, (_, i) => {
    const head = Math.floor(i / (2 * half));
    const within = i % (2 * half);
    return head * 2 * half + (within % 2) * half + Math.floor(within / 2);
  });
}

/**
 * Where llama.cpp puts the rows of a module: see `permutedRows`; null for all but queries and keys of some families.
 *
 * @param stem the module's name in GGUF files, such as blk.3.attn_q
 * @param where what messages call the module and its adapter
 * @throws RefusedError where the config's heads cannot share the rows
 */
export function headOrder(
  family: GgufFamily,
  config: Pick<ModelConfig, "heads" | "keyValueHeads">,
  stem: string,
  rows: number,
  where: string,
): Int32Array | null {
  const whose = permutedBy(family, stem);
  if (whose === null) return null;
  const heads = config[whose];
  if (heads !== null && rows % (2 * heads) === 0) return permutedRows(rows, heads);
  throw new RefusedError(
    `${where} has ${rows} rows, which ${heads ?? "an unknown number of"} heads cannot share in pairs; use the config.json of the model that it belongs to.`,
  );
}

/** The inverse of a permutation: entry order[i] is i. */
export function inverseOf(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length);
  for (const [i, row] of order.entries()) inverse[row] = i;
  return inverse;
}
