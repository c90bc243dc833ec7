/** Small PEFT folders as plain numbers: what studies need that change factors before they are merged. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../build/lib/core/random.js";

/** @returns the config, and for each tensor by its name its shape and values; BF16 and F32 are read */
export function readAdapter(folder) {
  const bytes = readFileSync(join(folder, "adapter_model.safetensors"));
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(bytes.toString("utf8", 8, begin));
  const tensors = new Map();
  for (const name of Object.keys(header).sort()) {
    const { dtype, shape, data_offsets: offsets } = header[name];
    const data = bytes.subarray(begin + offsets[0], begin + offsets[1]);
    tensors.set(name, { shape, values: dtype === "BF16" ? bf16Values(data) : f32Values(data, dtype, name) });
  }
  return { config: JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8")), tensors };
}

/** Write tensors in float32 and the config beside them. */
export function writeAdapter(folder, { config, tensors }) {
  const header = { __metadata__: { format: "pt" } };
  let at = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + 4 * values.length] };
    at += 4 * values.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const parts = Array.from(tensors.values(), ({ values }) => Buffer.from(Float32Array.from(values).buffer));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "adapter_model.safetensors"), Buffer.concat([length, text, ...parts]));
  writeFileSync(join(folder, "adapter_config.json"), JSON.stringify(config, null, 2));
}

/** Write an adapter in f32 with each module's ranks in the order that `orderOf` gives for their number. @returns where */
export function reordered(path, out, orderOf) {
  const { config, tensors } = readAdapter(path);
  for (const [name, a] of tensors) {
    if (!name.includes("lora_A")) continue;
    const b = tensors.get(name.replace("lora_A", "lora_B"));
    const [rank, width] = a.shape;
    const order = orderOf(rank);
    a.values = Float32Array.from(a.values, (_, i) => a.values[order[Math.floor(i / width)] * width + (i % width)]);
    b.values = Float32Array.from(b.values, (_, i) => b.values[i - (i % rank) + order[i % rank]]);
  }
  writeAdapter(out, { config, tensors });
  return out;
}

export function inOrder(count) {
  return Array.from({ length: count }, (_, i) => i);
}

/** Another order for each number of ranks. */
export function shuffled(seed) {
  const random = seededRandom(seed);
  return (count) => {
    const order = inOrder(count);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random.uniform() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };
}

function bf16Values(bytes) {
  const values = new Float32Array(bytes.length / 2);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) bits[i] = bytes.readUInt16LE(2 * i) << 16;
  return values;
}

function f32Values(bytes, dtype, name) {
  if (dtype !== "F32") throw new Error(`${name} is ${dtype}, but must be BF16 or F32.`);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}
