import type { Adapter } from "../adapter/adapter.ts";
import { notFinite } from "../adapter/tensor-values.ts";
import { bytesOf, type Dtype, type FactorDtype } from "../core/dtype.ts";
import { allFinite, isOutputDtype, READ_ELEMENT, WRITE_ELEMENT } from "../core/elements.ts";
import { RefusedError } from "../core/errors.ts";
import { copyElements } from "../units/read-strided.ts";
import { StoredEntries } from "../units/stored-entries.ts";
import type { FactorContent } from "./conversion.ts";

/**
 * The bytes of a factor as another format stores it, one factor in memory. Without a multiplication, elements are copied unchanged;
 * else they are multiplied in f32 and rounded once, to nearest, ties to even.
 *
 * @param name of the tensor, for messages
 * @throws FormatError for values that are not finite; RefusedError when a product leaves the range of the element type
 */
export async function factorBytes(
  { name: adapter, files }: Pick<Adapter, "name" | "files">,
  { factor, times, units, writtenRank, entries }: FactorContent,
  dtype: Dtype,
  name: string,
): Promise<Uint8Array> {
  const { bytes: stored, strides } = await StoredEntries.read(files, factor, 0, factor.size);
  if (!allFinite(factor.dtype, stored)) {
    throw notFinite(adapter, factor, "converted", "retrain or repair that adapter");
  }
  const same = dtype === factor.dtype && times === 1;
  const bytes = same ? stored : multiplied(stored, factor.dtype, dtype, times, name);
  const length = entries?.length ?? factor.size;
  const element = bytesOf(dtype);
  const written = {
    bytes: new Uint8Array(element * writtenRank * length),
    strides: units === "rows" ? { unit: length, entry: 1 } : { unit: 1, entry: writtenRank },
  };
  copyElements(element, { bytes, strides }, written, factor.rank, length, entries);
  return written.bytes;
}

/** Elements multiplied by a number, in another element type. */
function multiplied(stored: Uint8Array, from: FactorDtype, dtype: Dtype, times: number, name: string): Uint8Array {
  if (!isOutputDtype(dtype)) throw new Error(`${name} was to be multiplied into ${dtype}`);
  const [read, write] = [READ_ELEMENT[from], WRITE_ELEMENT[dtype]];
  const count = stored.length / bytesOf(from);
  const out = new Uint8Array(count * bytesOf(dtype));
  const [source, target] = [new DataView(stored.buffer, stored.byteOffset), new DataView(out.buffer)];
  for (let i = 0; i < count; i++) {
    if (write(target, i * bytesOf(dtype), Math.fround(read(source, i * bytesOf(from)) * times))) continue;
    throw new RefusedError(
      `${name} has values that ${dtype.toLowerCase()} cannot hold with the scale folded in; resize the adapter with --dtype f32 first.`,
    );
  }
  return out;
}
