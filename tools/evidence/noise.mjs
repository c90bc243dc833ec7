/** Adapters with noise on their factors: Gaussian, its standard deviation a multiple of each factor's root mean square. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../dist/core/random.js";

/**
 * Write a bfloat16 adapter in float32 with noise on A and on B, each by its own size, module by module. Deterministic by the seed.
 *
 * @param sigma standard deviation of the noise over the root mean square of the factor
 */
export function addNoise(folder, out, sigma, seed) {
  const bytes = readFileSync(join(folder, "adapter_model.safetensors"));
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength));
  const random = seededRandom(seed);
  const tensors = Object.keys(header)
    .filter((name) => name !== "__metadata__")
    .sort();
  const written = { __metadata__: { format: "pt" } };
  const parts = [];
  let at = 0;
  for (const name of tensors) {
    const { dtype, shape, data_offsets: offsets } = header[name];
    if (dtype !== "BF16") throw new Error(`${folder}: ${name} is ${dtype}, but must be BF16.`);
    const values = bf16Values(bytes.subarray(8 + headerLength + offsets[0], 8 + headerLength + offsets[1]));
    const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    parts.push(Buffer.from(values.map((value) => value + sigma * size * normal(random)).buffer));
    written[name] = { dtype: "F32", shape, data_offsets: [at, at + 4 * values.length] };
    at += 4 * values.length;
  }
  const text = Buffer.from(JSON.stringify(written));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "adapter_model.safetensors"), Buffer.concat([length, text, ...parts]));
  copyFileSync(join(folder, "adapter_config.json"), join(out, "adapter_config.json"));
}

function bf16Values(bytes) {
  const values = new Float32Array(bytes.length / 2);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) bits[i] = bytes.readUInt16LE(2 * i) << 16;
  return values;
}

/** Box and Muller's transform. */
function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}
