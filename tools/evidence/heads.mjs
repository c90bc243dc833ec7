/**
 * LEGO on pieces of units, one for each attention head: B's columns of q, k and v (A's rows of o) are split per head, every head's pieces
 * are clustered apart, and the result is put together again, at k times the heads' rank; a cut by singular values brings it back to k.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { mergeToFolder } from "../../dist/node/index.js";
import { readAdapter, writeAdapter } from "./adapter-files.mjs";

const HEADS = 4;
/** Names of the modules whose outputs belong to heads, and of those whose inputs do. */
const SPLIT_B = /(q_proj|k_proj|v_proj|c_attn)$/;
const SPLIT_A = /(o_proj|attn\.c_proj)$/;
/** GPT-2 has q, k and v in one module. */
const piecesOf = (name) => (name.endsWith("c_attn") ? 3 * HEADS : SPLIT_A.test(name) || SPLIT_B.test(name) ? HEADS : 1);
const KEY = /^(.*\.)([^.]+)\.lora_([AB])\.weight$/;

/** Merge adapters by lego on the pieces, at rank k each. @returns nothing; writes a folder of rank up to k times the pieces */
export async function mergeHeads(adapters, options, k, out) {
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-heads-"));
  try {
    const parts = adapters.map((folder) => {
      const part = join(scratch, basename(folder));
      writeAdapter(part, split(readAdapter(folder)));
      return part;
    });
    const merged = join(scratch, "merged");
    const recipe = { method: "lego", options, target: { kind: "rank", rank: k }, dtype: "f32" };
    await mergeToFolder(parts, recipe, { out: merged, threads: 1 });
    writeAdapter(out, joined(readAdapter(merged)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function split({ config, tensors }) {
  const pieces = new Map();
  for (const [key, tensor] of tensors) {
    const [, path, module, factor] = KEY.exec(key);
    const whole = `${path}${module}`;
    const count = piecesOf(whole);
    const cut = (factor === "B" ? SPLIT_B : SPLIT_A).test(whole);
    for (let piece = 0; piece < count; piece++) {
      const name = count === 1 ? key : `${whole}_head${piece}.lora_${factor}.weight`;
      pieces.set(name, cut ? slice(tensor, factor, piece, count) : tensor);
    }
  }
  const modules = new Set(Array.from(pieces.keys(), (key) => KEY.exec(key)[2]));
  return { config: { ...config, target_modules: [...modules] }, tensors: pieces };
}

/** Rows of B (out, r), or columns of A (r, in). */
function slice({ shape: [rows, columns], values }, factor, piece, count) {
  if (factor === "B") {
    const size = rows / count;
    return { shape: [size, columns], values: values.slice(piece * size * columns, (piece + 1) * size * columns) };
  }
  const size = columns / count;
  const cut = Float32Array.from({ length: rows * size }, (_, i) => {
    return values[Math.floor(i / size) * columns + piece * size + (i % size)];
  });
  return { shape: [rows, size], values: cut };
}

/** Pieces side by side in blocks, scales folded into B, so that each module's scale is 1. */
function joined({ config, tensors }) {
  const scale = config.lora_alpha / config.r;
  const modules = new Map();
  for (const [key, tensor] of tensors) {
    const [, path, piece, factor] = KEY.exec(key);
    const [module, head = "0"] = piece.split("_head");
    const name = `${path}${module}`;
    if (!modules.has(name)) modules.set(name, { A: [], B: [] });
    modules.get(name)[factor][Number(head)] = tensor;
  }
  const whole = new Map();
  const ranks = {};
  for (const [name, { A, B }] of modules) {
    ranks[name.replace(/^base_model\.model\./, "")] = A.reduce((sum, { shape }) => sum + shape[0], 0);
    whole.set(`${name}.lora_A.weight`, stackedA(A, SPLIT_A.test(name)));
    whole.set(`${name}.lora_B.weight`, stackedB(B, SPLIT_B.test(name), scale));
  }
  const patterns = { rank_pattern: ranks, alpha_pattern: ranks, target_modules: Object.keys(ranks) };
  return { config: { ...config, use_rslora: false, ...patterns }, tensors: whole };
}

/** (sum of ranks, in): rows under each other, in columns of their own where A was split. */
function stackedA(parts, apart) {
  const rank = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const width = parts[0].shape[1] * (apart ? parts.length : 1);
  const values = new Float32Array(rank * width);
  let row = 0;
  for (const [p, { shape, values: own }] of parts.entries()) {
    for (let i = 0; i < shape[0]; i++, row++) {
      values.set(own.subarray(i * shape[1], (i + 1) * shape[1]), row * width + (apart ? p * shape[1] : 0));
    }
  }
  return { shape: [rank, width], values };
}

/** (out, sum of ranks): columns beside each other, in rows of their own where B was split. */
function stackedB(parts, apart, scale) {
  const rank = parts.reduce((sum, { shape }) => sum + shape[1], 0);
  const height = parts[0].shape[0] * (apart ? parts.length : 1);
  const values = new Float32Array(height * rank);
  let column = 0;
  for (const [p, { shape, values: own }] of parts.entries()) {
    for (let i = 0; i < shape[0]; i++) {
      const row = i + (apart ? p * shape[0] : 0);
      for (let j = 0; j < shape[1]; j++) values[row * rank + column + j] = scale * own[i * shape[1] + j];
    }
    column += shape[1];
  }
  return { shape: [height, rank], values };
}
