/** A matrix as rows. */
export type Rows = readonly (readonly number[])[];
/** The axes of a tensor as nested lists: (r, q, kernel flat). */
export type Core = readonly (readonly (readonly number[])[])[];

/** left right. */
export function times(left: Rows, right: Rows): number[][] {
  return left.map((row) => right[0]!.map((_, x) => row.reduce((sum, value, k) => sum + value * right[k]![x]!, 0)));
}

/** The Kronecker product. */
export function kron(left: Rows, right: Rows): number[][] {
  return left.flatMap((row) => right.map((other) => row.flatMap((value) => other.map((each) => value * each))));
}

/** The elementwise product. */
export function entrywise(left: Rows, right: Rows): number[][] {
  return left.map((row, i) => row.map((value, x) => value * right[i]![x]!));
}

/** A Tucker decomposition as a matrix (out, in kernel): outputs (r, out), core (r, q, kernel), channels (q, in). */
export function tucker(outputs: Rows, core: Core, channels: Rows): number[][] {
  const kernel = core[0]![0]!.length;
  return outputs[0]!.map((_, o) =>
    channels[0]!.flatMap((_, c) =>
      Array.from({ length: kernel }, (_, k) => {
        let sum = 0;
        for (const [i, slices] of core.entries()) {
          for (const [j, places] of slices.entries()) sum += outputs[i]![o]! * places[k]! * channels[j]![c]!;
        }
        return sum;
      }),
    ),
  );
}
