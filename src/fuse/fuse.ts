import type { Adapter } from "../adapter/adapter.ts";
import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { isOutputDtype } from "../core/elements.ts";
import type { SafetensorsLayout } from "../formats/safetensors/layout.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { BaseModel } from "./base-model.ts";
import type { ChangedTensor, FusePlan, Origin } from "./fuse-plan.ts";
import { fuseTensor } from "./fuse-tensor.ts";

/** Bytes that are copied at once. */
const COPIED_BYTES = 4 << 20;

/**
 * Write one shard of a fused model: the base's tensors, and those that the plan changes or adds. Memory does not grow with the model:
 * one slab of rows and one module's factors are held at a time.
 *
 * @param layout of the shard, from `layoutShard`
 * @param onFused called after each tensor that deltas were added to
 * @throws RefusedError when a value leaves the range of its element type; FormatError for values that are not finite
 */
export async function fuseShard(
  kernels: Kernels,
  base: BaseModel,
  adapters: readonly Adapter[],
  plan: FusePlan,
  layout: SafetensorsLayout,
  sink: ByteSink,
  onFused: () => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  await sink.write(0, layout.header);
  for (const [name, { begin }] of layout.tensors) {
    signal?.throwIfAborted();
    const change = plan.changed.get(name);
    if (change !== undefined && !isCopy(change)) {
      const source = sourceOf(base, adapters, change.origin);
      for (const slice of slicesOf(change)) {
        const at = begin + slice.origin.tensor.begin - change.origin.tensor.begin;
        if (isCopy(slice)) await copy(source, slice.origin.tensor.begin, slice.origin.tensor.end, sink, at);
        else await fuseTensor(kernels, source, adapters, slice, at, sink);
      }
      if (change.parts.length > 0) onFused();
      continue;
    }
    const origin = change?.origin ?? { input: null, tensor: base.tensors.get(name)! };
    await copy(sourceOf(base, adapters, origin), origin.tensor.begin, origin.tensor.end, sink, begin);
  }
}

/** The slices of a tensor that holds the matrices of all experts; any other tensor itself. */
function slicesOf(change: ChangedTensor): readonly ChangedTensor[] {
  if (!change.parts.some(({ expert }) => expert !== null)) return [change];
  const { origin, shape, parts } = change;
  const { tensor } = origin;
  const [experts, ...matrix] = shape as [number, ...number[]];
  const bytes = (tensor.end - tensor.begin) / experts;
  return Array.from({ length: experts }, (_, expert) => {
    const begin = tensor.begin + expert * bytes;
    return {
      ...change,
      shape: matrix,
      origin: { ...origin, tensor: { ...tensor, shape: matrix, begin, end: begin + bytes } },
      parts: parts.filter((part) => part.expert === expert),
    };
  });
}

/** Whether a tensor is copied as stored. Floats of an adapter are not: their values are checked to be finite. */
function isCopy({ parts, rows, origin, dtype }: ChangedTensor): boolean {
  const looked = origin.input !== null && isOutputDtype(dtype);
  return parts.length + rows.length === 0 && origin.tensor.dtype === dtype && !looked;
}

/** The file that holds the values that a tensor starts from. */
export function sourceOf(base: BaseModel, adapters: readonly Adapter[], { input, tensor }: Origin): ByteSource {
  return input === null ? base.shards[tensor.file]!.source : adapters[input]!.files[tensor.file]!;
}

async function copy(source: ByteSource, begin: number, end: number, sink: ByteSink, to: number): Promise<void> {
  for (let from = begin; from < end; from += COPIED_BYTES) {
    const bytes = new Uint8Array(Math.min(COPIED_BYTES, end - from));
    await source.read(from, bytes);
    await sink.write(to + from - begin, bytes);
  }
}
