import { copyTensor, notFinite } from "../adapter/tensor-values.ts";
import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { bytesOf, commonDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { RefusedError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import { orderlessSum } from "../core/sum.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { MergePlan, PlannedExtra } from "../plan/merge-plan.ts";

/** Elements of an extra that are held at once. */
const EXTRA_CHUNK = 1 << 16;

/** The inputs that extras come from. */
interface Inputs {
  readonly names: MergePlan["inputs"];
  readonly files: readonly (readonly ByteSource[])[];
}

/**
 * Copy one extra, or add up its sources, checking that it is finite.
 *
 * @param scale lambda
 */
export async function writeExtra(
  kernels: Kernels,
  inputs: Inputs,
  extra: PlannedExtra,
  scale: number,
  sink: ByteSink,
): Promise<void> {
  const [{ input, tensor }, ...others] = extra.sources as [PlannedExtra["sources"][number]];
  if (others.length === 0 && !extra.scaled)
    return copyTensor(inputs.names[input]!.name, inputs.files[input]!, tensor, extra.begin, sink);
  const count = elementCount(extra.shape);
  const factor = extra.scaled ? scale : 1;
  for (let from = 0; from < count; from += EXTRA_CHUNK) {
    await addChunk(kernels, inputs, extra, factor, from, Math.min(EXTRA_CHUNK, count - from), sink);
  }
}

async function addChunk(
  kernels: Kernels,
  { names, files }: Inputs,
  extra: PlannedExtra,
  factor: number,
  from: number,
  count: number,
  sink: ByteSink,
): Promise<void> {
  kernels.reset(count * (4 * extra.sources.length + 12) + 1024);
  const raw = kernels.bytes(count * 8);
  const values: Float32Array[] = [];
  for (const { input, tensor } of extra.sources) {
    if (!isFactorDtype(tensor.dtype)) throw new Error(`extra ${extra.key} was planned with dtype ${tensor.dtype}`);
    const size = bytesOf(tensor.dtype);
    const bytes = raw.subarray(0, count * size);
    await files[input]![tensor.file]!.read(tensor.begin + from * size, bytes);
    const widened = kernels.f32(count);
    if (!kernels.widen(tensor.dtype, bytes, count, 1, count, widened, count, 1)) {
      throw notFinite(names[input]!.name, tensor, "averaged", "pass --extras drop or first, or repair it");
    }
    values.push(widened);
  }
  const mean = kernels.f32(count);
  const terms = new Float64Array(values.length);
  for (let i = 0; i < count; i++) {
    for (const [s, { share }] of extra.sources.entries()) terms[s] = factor * share * values[s]![i]!;
    mean[i] = orderlessSum(terms);
  }
  const dtype = commonDtype([extra.dtype]);
  const encoded = raw.subarray(0, count * bytesOf(dtype));
  if (!kernels.narrow(dtype, mean, encoded)) {
    throw new RefusedError(
      `The average of ${extra.key} has values that ${dtype.toLowerCase()} cannot hold; choose --extras drop or first.`,
    );
  }
  await sink.write(extra.begin + from * bytesOf(dtype), encoded);
}
