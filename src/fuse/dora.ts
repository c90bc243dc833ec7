import type { Adapter } from "../adapter/adapter.ts";
import { readNumbers } from "../adapter/tensor-values.ts";
import type { FusedTensor } from "./fuse-plan.ts";

/** What hands out the rows of W + s B A. */
type Slabs = (use: (rows: Float32Array, from: number) => void) => Promise<void>;

/**
 * DoRA's factor of every output: its magnitude over the norm of the output's weights in W + s B A (Liu et al. 2024, arXiv 2402.09353,
 * eq. 5, as PEFT merges it); sums in f64. An output whose weights are all zero stays so.
 */
export async function outputScales(
  adapters: readonly Adapter[],
  { columns, parts, magnitude }: FusedTensor,
  slabs: Slabs,
): Promise<Float64Array> {
  const [{ module, rowHalf }] = parts as [FusedTensor["parts"][number]];
  const squares = new Float64Array(module.out);
  await slabs((rows, from) => {
    for (let x = 0; x < rows.length; x++) {
      const output = rowHalf === "b" ? from + Math.floor(x / columns) : x % columns;
      squares[output]! += rows[x]! * rows[x]!;
    }
  });
  const { name, files } = adapters[magnitude!.input]!;
  const magnitudes = await readNumbers(name, files, magnitude!.tensor);
  return squares.map((square, output) => (square === 0 ? 0 : magnitudes[output]! / Math.sqrt(square)));
}

/**
 * Multiply every output's weights by its factor, in f32.
 *
 * @param byRow whether outputs are rows; else columns
 */
export function scaleOutputs(
  rows: Float32Array,
  columns: number,
  from: number,
  byRow: boolean,
  scales: Float64Array,
): void {
  for (let x = 0; x < rows.length; x++) rows[x]! *= scales[byRow ? from + Math.floor(x / columns) : x % columns]!;
}
