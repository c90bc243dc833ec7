import type { Random } from "../../core/random.ts";
import { symmetricEigen } from "../../linalg/symmetric-eigen.ts";

/** A search for the minimum of a function of n numbers, one generation of points at a time. */
export interface CmaEs {
  /** The next generation's points. Ask again only after `tell`. */
  ask(): Float64Array[];
  /** @param values of the function at the points that were asked for, in their order */
  tell(values: readonly number[]): void;
}

/**
 * The covariance matrix adaptation evolution strategy with weighted recombination and step-size control, by Hansen's tutorial
 * (arXiv 1604.00772, figure 6 and table 1 with positive weights). No derivatives; works where the function is noisy or its scales differ.
 * Deterministic for a given `random`.
 *
 * @param start (n), n at least 1
 * @param step the standard deviation of the first points around it
 */
export function cmaEs(start: ArrayLike<number>, step: number, random: Random): CmaEs {
  const n = start.length;
  const size = 4 + Math.floor(3 * Math.log(n));
  const weights = weightsOf(Math.floor(size / 2));
  const rates = ratesOf(n, weights);
  const normal = normalNumbers(random);
  const length = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));

  let mean = Float64Array.from(start);
  let deviation = step;
  const covariance = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  const pathOfStep = new Float64Array(n);
  const pathOfCovariance = new Float64Array(n);
  let generation = 0;
  let axes = axesOf(covariance, n);
  let moves: Float64Array[] = [];

  return {
    ask() {
      moves = Array.from({ length: size }, () => along(axes, Float64Array.from({ length: n }, normal)));
      return moves.map((move) => mean.map((value, i) => value + deviation * move[i]!));
    },
    tell(values) {
      generation++;
      const order = Array.from(values.keys()).sort((i, j) => values[i]! - values[j]! || i - j);
      const best = weights.map((_, i) => moves[order[i]!]!);
      const shift = mean.map((_, i) => weights.reduce((sum, weight, k) => sum + weight * best[k]![i]!, 0));
      mean = mean.map((value, i) => value + deviation * shift[i]!);

      const { effective, ofStep, damping, ofPath, rankOne, rankMu } = rates;
      const whitened = along(axes, against(axes, shift), true);
      pathOfStep.forEach((value, i) => {
        pathOfStep[i] = (1 - ofStep) * value + Math.sqrt(ofStep * (2 - ofStep) * effective) * whitened[i]!;
      });
      const reached = Math.hypot(...pathOfStep);
      const settled = Math.sqrt(1 - (1 - ofStep) ** (2 * generation));
      const steady = reached / settled < (1.4 + 2 / (n + 1)) * length ? 1 : 0;
      pathOfCovariance.forEach((value, i) => {
        pathOfCovariance[i] = (1 - ofPath) * value + steady * Math.sqrt(ofPath * (2 - ofPath) * effective) * shift[i]!;
      });
      const kept = 1 - rankOne - rankMu + (1 - steady) * rankOne * ofPath * (2 - ofPath);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const spread = weights.reduce((sum, weight, k) => sum + weight * best[k]![i]! * best[k]![j]!, 0);
          covariance[i * n + j] =
            kept * covariance[i * n + j]! + rankOne * pathOfCovariance[i]! * pathOfCovariance[j]! + rankMu * spread;
        }
      }
      deviation *= Math.exp(Math.min(1, (ofStep / damping) * (reached / length - 1)));
      axes = axesOf(covariance, n);
    },
  };
}

/** Positive weights of the best points, which sum to 1. */
function weightsOf(parents: number): number[] {
  const raw = Array.from({ length: parents }, (_, i) => Math.log(parents + 0.5) - Math.log(i + 1));
  const sum = raw.reduce((total, weight) => total + weight, 0);
  return raw.map((weight) => weight / sum);
}

/** Table 1: how fast paths, step and covariance follow. */
function ratesOf(n: number, weights: readonly number[]) {
  const effective = 1 / weights.reduce((sum, weight) => sum + weight ** 2, 0);
  const ofStep = (effective + 2) / (n + effective + 5);
  const damping = 1 + 2 * Math.max(0, Math.sqrt((effective - 1) / (n + 1)) - 1) + ofStep;
  const ofPath = (4 + effective / n) / (n + 4 + (2 * effective) / n);
  const rankOne = 2 / ((n + 1.3) ** 2 + effective);
  const rankMu = Math.min(1 - rankOne, (2 * (effective - 2 + 1 / effective)) / ((n + 2) ** 2 + effective));
  return { effective, ofStep, damping, ofPath, rankOne, rankMu };
}

/** Principal axes of the distribution: directions as rows, and the standard deviation along each. */
interface Axes {
  readonly vectors: Float64Array;
  readonly deviations: Float64Array;
}

function axesOf(covariance: Float64Array, n: number): Axes {
  const { values, vectors } = symmetricEigen(covariance, n);
  return { vectors, deviations: values.map((value) => Math.sqrt(Math.max(value, 0))) };
}

/** The point with these coordinates, each times the axis's deviation unless `unit`. */
function along({ vectors, deviations }: Axes, coordinates: Float64Array, unit = false): Float64Array {
  const n = coordinates.length;
  return coordinates.map((_, i) =>
    coordinates.reduce((sum, value, j) => sum + value * (unit ? 1 : deviations[j]!) * vectors[j * n + i]!, 0),
  );
}

/** A point's coordinates on the axes, in deviations; 0 along an axis without any. */
function against({ vectors, deviations }: Axes, point: Float64Array): Float64Array {
  const n = point.length;
  return deviations.map((deviation, j) => {
    const product = point.reduce((sum, value, i) => sum + value * vectors[j * n + i]!, 0);
    return deviation > 0 ? product / deviation : 0;
  });
}

/** Independent standard normal numbers, by Box and Muller. */
function normalNumbers(random: Random): () => number {
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
    return radius * Math.cos(2 * Math.PI * random.uniform());
  };
}
