import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { bytesOf, type OutputDtype } from "../core/dtype.ts";
import { RefusedError } from "../core/errors.ts";
import type { Range } from "../formats/peft-folder/places.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { MergePlan, ScaledPlan } from "../plan/merge-plan.ts";

/** Values that are scaled at a time. */
const PIECE = 1 << 18;

/** The factors of a module's halves that multiply its delta by lambda: sqrt|lambda| each, the sign on B. */
export function halfScales(lambda: number): { readonly a: number; readonly b: number } {
  const half = Math.sqrt(Math.abs(lambda));
  return { a: half, b: lambda < 0 ? -half : half };
}

/** The error of a module whose values leave the range of the element type. */
export function outOfRange(module: string, dtype: OutputDtype): RefusedError {
  const way = dtype === "F32" ? "smaller weights or a smaller --scale" : "--dtype f32";
  return new RefusedError(
    `${module} has values that ${dtype.toLowerCase()} cannot hold (they would become infinite); pass ${way}.`,
  );
}

/** A merge that was written before lambda was known: its plan, in f32, and its bytes. */
export interface Draft {
  readonly plan: MergePlan;
  readonly source: ByteSource;
}

/**
 * Write the factors of all modules of a draft times lambda: the same bytes as merging with this lambda at once.
 *
 * @param plan of the output, with the same modules as the draft's, and lambda
 * @throws RefusedError when a value leaves the range of the element type; the signal's reason
 */
export async function writeScaled(
  kernels: Kernels,
  draft: Draft,
  plan: ScaledPlan,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  const half = halfScales(plan.scale);
  kernels.reset(PIECE * (4 + bytesOf(plan.dtype)) + 1024);
  const values = kernels.f32(PIECE);
  const bytes = kernels.bytes(PIECE * bytesOf(plan.dtype));
  const largest = kernels.f64(1);
  const copy = async (from: Range, to: Range, factor: number): Promise<boolean> => {
    const count = (from.end - from.begin) / 4;
    for (let at = 0; at < count; at += PIECE) {
      const piece = values.subarray(0, Math.min(PIECE, count - at));
      await draft.source.read(from.begin + 4 * at, new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
      kernels.scale(piece, factor);
      kernels.maxAbs(piece, 1, piece.length, piece.length, largest);
      const encoded = bytes.subarray(0, piece.length * bytesOf(plan.dtype));
      if (!Number.isFinite(largest[0]!) || !kernels.narrow(plan.dtype, piece, encoded)) return false;
      await sink.write(to.begin + bytesOf(plan.dtype) * at, encoded);
    }
    return true;
  };
  const copiedB = new Set<number>();
  for (const [index, module] of plan.modules.entries()) {
    signal?.throwIfAborted();
    const merged = draft.plan.modules[index]!;
    // Experts may share a tensor B.
    const copied = copiedB.has(module.b.begin);
    copiedB.add(module.b.begin);
    const inRange = (await copy(merged.a, module.a, half.a)) && (copied || (await copy(merged.b, module.b, half.b)));
    if (!inRange) throw outOfRange(module.name, plan.dtype);
  }
}
