import { RefusedError } from "../../core/errors.ts";
import type { ModelConfig } from "../../formats/model-config.ts";
import { reorderedBy } from "./gguf.ts";
import type { GgufFamily } from "./gguf-families.ts";

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
 * Where llama.cpp puts the rows of a matrix that holds, for each head of keys, its queries, its keys and its values: all queries first, then
 * all keys, then all values.
 *
 * @param rows of the matrix: heads of queries, and twice those of keys, of `size` rows each
 * @returns entry i is the row of Hugging Face's matrix that is row i in the GGUF file
 */
function ungroupedRows(rows: number, heads: number, size: number): Int32Array {
  const groups = (rows / size - heads) / 2;
  const queries = heads / groups;
  const kinds = [0, queries, queries + 1];
  const places = kinds.flatMap((first, kind) =>
    Array.from({ length: groups }, (_, group) =>
      Array.from({ length: kind === 0 ? queries : 1 }, (_, own) => group * (queries + 2) + first + own),
    ).flat(),
  );
  return Int32Array.from({ length: rows }, (_, i) => places[Math.floor(i / size)]! * size + (i % size));
}

/**
 * Where llama.cpp puts the rows of a module: see `permutedRows` and `ungroupedRows`; null for all but some matrices of some families.
 *
 * @param stem the module's name in GGUF files, such as blk.3.attn_q
 * @param where what messages call the module and its adapter
 * @throws RefusedError where the config's heads cannot share the rows
 */
export function headOrder(
  family: GgufFamily,
  config: Pick<ModelConfig, "heads" | "keyValueHeads" | "hiddenSize">,
  stem: string,
  rows: number,
  where: string,
): Int32Array | null {
  const whose = reorderedBy(family, stem);
  if (whose === null) return null;
  const heads = config[whose === "fused" ? "heads" : whose];
  if (whose === "fused") {
    const size = (config.hiddenSize ?? 0) / (heads ?? 1);
    const groups = (rows / size - (heads ?? 0)) / 2;
    if (
      heads !== null &&
      Number.isInteger(size) &&
      groups > 0 &&
      Number.isInteger(heads / groups) &&
      Number.isInteger(groups)
    )
      return ungroupedRows(rows, heads, size);
  } else if (heads !== null && rows % (2 * heads) === 0) return permutedRows(rows, heads);
  throw new RefusedError(
    `${where} has ${rows} rows, which ${heads ?? "an unknown number of"} heads cannot share${whose === "fused" ? " with their keys and values" : " in pairs"}; use the config.json of the model that it belongs to.`,
  );
}

/** The inverse of a permutation: entry order[i] is i. */
export function inverseOf(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length);
  for (const [i, row] of order.entries()) inverse[row] = i;
  return inverse;
}
