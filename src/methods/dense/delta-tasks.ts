import type { LiveUnits } from "../../units/live-units.ts";
import type { Task } from "./task-tiles.ts";

/** A task and the positions of its units in the pool. */
export interface DeltaTask extends Task {
  readonly positions: readonly number[];
}

/**
 * The deltas of a pool's adapters as tasks. Their order depends on deltas and weights alone, not on the split into factors: by entries,
 * row by row, then by weight. An adapter's place in this order decides its random masks. Each delta sums its units in the pool's
 * order. Takes 4 N (in + out) bytes of kernel memory.
 */
export async function deltaTasks(pool: LiveUnits): Promise<DeltaTask[]> {
  const byInput = new Map<number, number[]>();
  for (let i = 0; i < pool.count; i++) {
    const input = pool.ids[i]![0];
    const positions = byInput.get(input);
    if (positions === undefined) byInput.set(input, [i]);
    else positions.push(i);
  }
  const copied = await pool.copy([...byInput.values()].flat());
  let first = 0;
  const tasks = Array.from(byInput.values(), (positions): DeltaTask => {
    const [from, to] = [first, first + positions.length];
    first = to;
    return {
      weight: pool.weights[positions[0]!]!,
      rank: positions.length,
      a: copied.a.subarray(from * pool.in, to * pool.in),
      b: copied.b.subarray(from * pool.out, to * pool.out),
      positions,
    };
  });
  return tasks.sort((one, other) => compareDeltas(one, other, pool) || one.weight - other.weight);
}

/** Kernel memory for the tasks' rows, in bytes. */
export function deltaTasksBytes(units: number, tasks: number, inputs: number, out: number): number {
  return 4 * units * (inputs + out) + 32 * tasks;
}

function compareDeltas(one: Task, other: Task, { in: columns, out: rows }: LiveUnits): number {
  if (sameValues(one.a, other.a) && sameValues(one.b, other.b)) return 0;
  for (let o = 0; o < rows; o++) {
    for (let x = 0; x < columns; x++) {
      const difference = entry(one, o, x, rows, columns) - entry(other, o, x, rows, columns);
      if (difference !== 0) return difference;
    }
  }
  return 0;
}

/** The same value as in `TaskTiles`, bit for bit. */
function entry({ rank, a, b }: Task, o: number, x: number, rows: number, columns: number): number {
  let sum = 0;
  for (let j = 0; j < rank; j++) sum += b[j * rows + o]! * a[j * columns + x]!;
  return Math.fround(sum);
}

function sameValues(one: Task["b"], other: Task["b"]): boolean {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}
