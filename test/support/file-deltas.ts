import { decodeTensors, product } from "./pico.ts";

/** A module of a file, by the beginning of its keys: scale B A (out, in). */
export interface FileDelta {
  readonly in: number;
  readonly out: number;
  readonly rank: number;
  readonly delta: Float64Array;
}

/** The deltas of an image model's file as any reader of its dialect sees them: names as they stand, scale alpha / r or 1. */
export function fileDeltas(file: Uint8Array): Map<string, FileDelta> {
  const tensors = decodeTensors(file);
  const deltas = new Map<string, FileDelta>();
  for (const [key, a] of tensors) {
    const [, stem, half] = /^(.+)\.lora_(A|down)(?:\.default)?\.weight$/.exec(key) ?? [];
    if (stem === undefined) continue;
    const b = tensors.get(key.replace(`lora_${half}`, half === "A" ? "lora_B" : "lora_up"))!;
    const [rank, out] = [a.shape[0]!, b.shape[0]!];
    const inputs = a.values.length / rank;
    const scale = (tensors.get(`${stem}.alpha`)?.values[0] ?? rank) / rank;
    const delta = product(b.values, a.values, out, rank, inputs).map((value) => value * scale);
    deltas.set(stem, { in: inputs, out, rank, delta });
  }
  return deltas;
}
