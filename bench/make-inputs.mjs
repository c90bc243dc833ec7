/**
 * Synthetic bf16 adapters of Llama-2-7B's shape (by default r 16, all 7 linear modules of 32 layers, 80 MB each): every unit lies
 * around one of 24 directions that the adapters share in each module, plus noise. Seeded; written once and kept.
 */
import { existsSync, mkdirSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../build/lib/core/random.js";
import { layoutSafetensors } from "../build/lib/formats/safetensors/layout.js";

const SHAPE = { layers: 32, rank: 16, directions: 24 };
const MODULES = [
  ["self_attn.q_proj", 4096, 4096],
  ["self_attn.k_proj", 4096, 4096],
  ["self_attn.v_proj", 4096, 4096],
  ["self_attn.o_proj", 4096, 4096],
  ["mlp.gate_proj", 4096, 11008],
  ["mlp.up_proj", 4096, 11008],
  ["mlp.down_proj", 11008, 4096],
];

/** Adapters of one module of 4096 x 4096, for what takes seconds a module. */
export const ONE_MODULE = { layers: 1, rank: 16, directions: 24, linear: [MODULES[0]] };

/**
 * Make sure that `count` adapters lie in `folder`.
 *
 * @param shape where `filled` is given, the layers from that on are zeros, which take no place on a disk with sparse files
 * @returns their paths
 */
export function makeInputs(folder, count, shape = SHAPE) {
  return Array.from({ length: count }, (_, t) => {
    const path = join(folder, `synthetic-${String(t).padStart(2, "0")}`);
    if (!existsSync(path)) makeAdapter(path, t, shape);
    return path;
  });
}

function makeAdapter(path, t, { layers, filled = layers, rank, directions: shared, linear = MODULES }) {
  const names = Array.from({ length: layers }, (_, layer) =>
    linear.map(([name, inputs, out]) => [`base_model.model.model.layers.${layer}.${name}`, inputs, out]),
  ).flat();
  const specs = names.flatMap(([name, inputs, out]) => [
    { name: `${name}.lora_A.weight`, dtype: "BF16", shape: [rank, inputs] },
    { name: `${name}.lora_B.weight`, dtype: "BF16", shape: [out, rank] },
  ]);
  const layout = layoutSafetensors(specs, { format: "pt" });
  const full = names.slice(0, filled * linear.length);
  // Tensors lie in the order of their names, so that those of layer 0 come first.
  const ends = full.flatMap(([name]) =>
    ["A", "B"].map((half) => layout.tensors.get(`${name}.lora_${half}.weight`).end),
  );
  const bytes = new Uint8Array(Math.max(...ends));
  bytes.set(layout.header);
  const own = seededRandom(1000 + t);
  for (const [m, [name, inputs, out]] of full.entries()) {
    const common = seededRandom(m);
    const directions = Array.from({ length: shared }, () => noise(common, inputs + out, 0.02));
    const a = tensor(bytes, layout.tensors.get(`${name}.lora_A.weight`));
    const b = tensor(bytes, layout.tensors.get(`${name}.lora_B.weight`));
    for (let unit = 0; unit < rank; unit++) {
      const direction = directions[own.below(shared)];
      const extra = noise(own, inputs + out, 0.01);
      for (let x = 0; x < inputs; x++) a[unit * inputs + x] = bf16(direction[x] + extra[x]);
      for (let x = 0; x < out; x++) b[x * rank + unit] = bf16(direction[inputs + x] + extra[inputs + x]);
    }
  }
  const temporary = `${path}.tmp`;
  mkdirSync(temporary, { recursive: true });
  const weights = join(temporary, "adapter_model.safetensors");
  writeFileSync(weights, bytes);
  truncateSync(weights, layout.size);
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: "synthetic/llama-2-7b-shaped",
    r: rank,
    lora_alpha: 2 * rank,
    target_modules: linear.map(([name]) => name.split(".")[1]),
  };
  writeFileSync(join(temporary, "adapter_config.json"), JSON.stringify(config, null, 2));
  renameSync(temporary, path);
}

/** Sum of three uniform numbers, centred: close enough to a Gaussian and much faster. */
function noise(random, length, deviation) {
  const values = new Float32Array(length);
  for (let x = 0; x < length; x++) {
    const bits = random.uint32();
    const sum = (bits & 1023) + ((bits >>> 10) & 1023) + ((bits >>> 20) & 1023);
    values[x] = (deviation * (sum - 1534.5)) / 512;
  }
  return values;
}

function tensor(bytes, { begin, end }) {
  return new Uint16Array(bytes.buffer, begin, (end - begin) / 2);
}

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);
function bf16(value) {
  word[0] = value;
  return (wordBits[0] + 0x7fff + ((wordBits[0] >>> 16) & 1)) >>> 16;
}
