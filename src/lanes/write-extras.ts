import { copyTensor, notFinite } from "../adapter/tensor-values.ts";
import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { bytesOf, commonDtype, type OutputDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { RefusedError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import { orderlessSum } from "../core/sum.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { ExtraSource, MergePlan, PlannedExtra } from "../plan/merge-plan.ts";

/** Elements of an extra that are held at once. */
const EXTRA_CHUNK = 1 << 16;

/** The inputs that extras come from. */
interface Inputs {
  readonly names: MergePlan["inputs"];
  readonly files: readonly (readonly ByteSource[])[];
}

/** A sum of sources that goes to one place. */
interface Sum {
  readonly key: string;
  readonly dtype: OutputDtype;
  readonly sources: readonly ExtraSource[];
  /** Multiplies the sum. */
  readonly factor: number;
  /** What to do where its type cannot hold the sum. */
  readonly remedy: string;
  readonly begin: number;
}

/**
 * Write the parts of one extra, checking that they are finite.
 *
 * @param scale lambda
 */
export async function writeExtra(
  kernels: Kernels,
  inputs: Inputs,
  { key, dtype, shape, parts, scaled, begin }: PlannedExtra,
  scale: number,
  sink: ByteSink,
): Promise<void> {
  const count = elementCount(shape) / parts.length;
  for (const [i, sources] of parts.entries()) {
    const at = begin + i * count * bytesOf(dtype);
    const [{ input, tensor, share }, ...others] = sources as [ExtraSource];
    if (others.length === 0 && share === 1 && !scaled && tensor.dtype === dtype) {
      await copyTensor(inputs.names[input]!.name, inputs.files[input]!, tensor, at, sink);
      continue;
    }
    const sum = {
      key,
      dtype: commonDtype([dtype]),
      sources,
      factor: scaled ? scale : 1,
      remedy: scaled ? "pass --dtype f32" : "choose --extras drop or first",
      begin: at,
    };
    for (let from = 0; from < count; from += EXTRA_CHUNK) {
      await addChunk(kernels, inputs, sum, from, Math.min(EXTRA_CHUNK, count - from), sink);
    }
  }
}

async function addChunk(
  kernels: Kernels,
  { names, files }: Inputs,
  { key, dtype, sources, factor, remedy, begin }: Sum,
  from: number,
  count: number,
  sink: ByteSink,
): Promise<void> {
  kernels.reset(count * (4 * sources.length + 12) + 1024);
  const raw = kernels.bytes(count * 8);
  const values: Float32Array[] = [];
  for (const { input, tensor } of sources) {
    if (!isFactorDtype(tensor.dtype)) throw new Error(`extra ${key} was planned with dtype ${tensor.dtype}`);
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
    for (const [s, { share }] of sources.entries()) terms[s] = factor * share * values[s]![i]!;
    mean[i] = orderlessSum(terms);
  }
  const encoded = raw.subarray(0, count * bytesOf(dtype));
  if (!kernels.narrow(dtype, mean, encoded)) {
    throw new RefusedError(`The merged ${key} has values that ${dtype.toLowerCase()} cannot hold; ${remedy}.`);
  }
  await sink.write(begin + from * bytesOf(dtype), encoded);
}
