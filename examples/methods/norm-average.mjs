// A merge method of one's own: the average of the deltas, after all of them are brought to the same norm.
import { defineMethod, registerMethod, scaledUnit } from "lora-lego";

export const normAverage = defineMethod({
  id: "norm_average",
  title: "Average of deltas of equal norm",
  reference: "examples/methods/norm-average.mjs",
  dependsOn: "delta",
  single: "exact",
  weights: "linear",
  needs: { weightSum: true },
  parameters: {
    strength: {
      type: "number",
      least: 0,
      most: 1,
      default: 1,
      description: "0 leaves the norms of the deltas as they are, 1 makes them equal",
    },
  },
  merge(pool, { options, totalWeight }) {
    const norms = deltaNorms(pool);
    const mean = [...norms.values()].reduce((sum, norm) => sum + norm, 0) / norms.size;
    const combinations = Array.from(pool.ids, ([input], i) => {
      const norm = norms.get(input);
      const factor = norm > 0 ? (mean / norm) ** options.strength : 1;
      return scaledUnit(i, 1, (factor * pool.weights[i]) / totalWeight);
    });
    return { combinations, rows: null };
  },
});

/** The Frobenius norm of each adapter's delta: |B A|^2 is the sum of (a_i . a_j) (b_i . b_j) over its units. */
function deltaNorms({ count, ids, gramA, gramB }) {
  const squares = new Map();
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const [input] = ids[i];
      if (ids[j][0] !== input) continue;
      squares.set(input, (squares.get(input) ?? 0) + gramA[i * count + j] * gramB[i * count + j]);
    }
  }
  return new Map(Array.from(squares, ([input, square]) => [input, Math.sqrt(square)]));
}

// Worker threads import this module too, and so have the method.
registerMethod(normAverage, { module: import.meta.url });
