/** Adapters with noise on their factors: Gaussian, its standard deviation a multiple of each factor's root mean square. */
import { seededRandom } from "../../build/lib/core/random.js";
import { readAdapter, writeAdapter } from "./adapter-files.mjs";

/**
 * Write an adapter with noise on A and on B, each by its own size, module by module. Deterministic by the seed.
 *
 * @param sigma standard deviation of the noise over the root mean square of the factor
 */
export function addNoise(folder, out, sigma, seed) {
  const { config, tensors } = readAdapter(folder);
  const random = seededRandom(seed);
  for (const { values } of tensors.values()) {
    const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    for (let i = 0; i < values.length; i++) values[i] += sigma * size * normal(random);
  }
  writeAdapter(out, { config, tensors });
}

/** Box and Muller's transform. */
function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}
