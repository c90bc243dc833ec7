import type { StreamedPool } from "../../../units/streamed-pool.ts";
import type { LegoOptions } from "../options.ts";

/** The units of a large pool, scaled and turned for clustering. Arrays of all units have N entries, those of points one for each point. */
export interface Points {
  /** The position of each point's first unit, ascending. Units of equal values are one point. */
  readonly leaders: Int32Array;
  /** The point of each unit. */
  readonly pointOf: Int32Array;
  /** Summed weight of each point's units, relative to the mean weight of the inputs. */
  readonly weights: Float64Array;
  /** Factors of every unit's halves: its gauge and sign. */
  readonly a: Float64Array;
  readonly b: Float64Array;
  /** What distances are divided by: every unit's length for cosines, else 1. */
  readonly lengths: Float64Array;
  /** Squared length of every unit's halves, factors included. */
  readonly squaresA: Float64Array;
  readonly squaresB: Float64Array;
  /** Whether a unit and its negative are the same point. */
  readonly line: boolean;
}

/**
 * Prepare a pool's units in the gauge and sign of `options`.
 *
 * @param meanWeight mean weight of the inputs
 * @param apart whether equal units are points of their own
 */
export async function pointsOf(
  pool: StreamedPool,
  options: LegoOptions,
  meanWeight: number,
  apart: boolean,
): Promise<Points> {
  const n = pool.count;
  const [ofA, ofB] = [pool.squares("a"), pool.squares("b")];
  const extremes = options.sign === "canonical" ? await pool.extremesOfA() : null;
  const gauge = (i: number): number => (options.gauge === "balanced" ? (ofB[i]! / ofA[i]!) ** 0.25 : 1);
  const sign = (i: number): number => (extremes !== null && extremes[i]! < 0 ? -1 : 1);
  const a = Float64Array.from({ length: n }, (_, i) => sign(i) * gauge(i));
  const b = Float64Array.from({ length: n }, (_, i) => sign(i) / gauge(i));
  const squaresA = ofA.map((square, i) => square * a[i]! ** 2);
  const squaresB = ofB.map((square, i) => square * b[i]! ** 2);
  const lengths = squaresA.map((square, i) => (options.metric === "cosine" ? Math.sqrt(square + squaresB[i]!) : 1));
  const pointOf = new Int32Array(n);
  const leaders: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < n; i++) {
    if (apart || !pool.same[i]) {
      leaders.push(i);
      weights.push(0);
    }
    pointOf[i] = leaders.length - 1;
    weights[leaders.length - 1]! += pool.weights[i]! / meanWeight;
  }
  return {
    leaders: Int32Array.from(leaders),
    pointOf,
    weights: Float64Array.from(weights),
    a,
    b,
    lengths,
    squaresA,
    squaresB,
    line: options.sign === "line",
  };
}
