/**
 * PEFT's methods whose delta needs the base's weights: `convert --base` of one module of 4096 x 4096 by HiRA (rank 32) and MiSS initialised
 * as "bat" (blocks of 64), on random data. Whole processes; files lie in a temporary folder (TMPDIR) and are removed.
 *
 *   npm run build && node bench/on-base.mjs
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../build/lib/core/random.js";
import { encodeSafetensors } from "../build/lib/formats/safetensors/write.js";
import { run } from "./measure.mjs";

const SIZE = 4096;
const RANK = 32;
const BLOCK = 64;
const MODULE = "model.layers.0.self_attn.q_proj";
const { uniform } = seededRandom(0);

function tensor(name, ...shape) {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 0.04 * (uniform() - 0.5));
  return { name, dtype: "F32", shape, data: new Uint8Array(values.buffer) };
}

function write(folder, file, tensors, config) {
  mkdirSync(folder);
  writeFileSync(join(folder, file), encodeSafetensors(tensors, { format: "pt" }));
  writeFileSync(join(folder, config.name), JSON.stringify(config.fields));
}

const folder = mkdtempSync(join(tmpdir(), "lora-lego-on-base-"));
try {
  const base = join(folder, "base");
  const model = { name: "config.json", fields: { model_type: "llama", tie_word_embeddings: false } };
  write(base, "model.safetensors", [tensor(`${MODULE}.weight`, SIZE, SIZE)], model);
  const key = `base_model.model.${MODULE}`;
  const adapters = {
    hira: {
      fields: { peft_type: "HIRA", r: RANK },
      tensors: [tensor(`${key}.hira_A`, RANK, SIZE), tensor(`${key}.hira_B`, SIZE, RANK)],
    },
    bat: {
      fields: { peft_type: "MISS", r: BLOCK, init_weights: "bat" },
      tensors: [tensor(`${key}.miss_block`, SIZE / BLOCK, BLOCK, BLOCK)],
    },
  };
  for (const [name, { fields, tensors }] of Object.entries(adapters)) {
    const path = join(folder, name);
    const config = { ...fields, base_model_name_or_path: "base", target_modules: ["q_proj"] };
    write(path, "adapter_model.safetensors", tensors, { name: "adapter_config.json", fields: config });
    const words = ["convert", path, "--base", base, "--rank", RANK, "--out", join(folder, `${name}-plain`)];
    const { seconds, processor, megabytes } = await run([process.execPath, "dist/cli/main.js", ...words]);
    console.log(
      `${name}: ${seconds.toFixed(1)} s, ${processor.toFixed(1)} s of a processor, ${megabytes.toFixed(0)} MB`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
