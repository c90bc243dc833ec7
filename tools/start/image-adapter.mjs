/** A small adapter of Stable Diffusion 1.5 as trainers write it: one kohya file, made of seeded random numbers. */
import { writeFileSync } from "node:fs";
import { seededRandom } from "../../build/lib/core/random.js";
import { layoutSafetensors } from "../../build/lib/formats/safetensors/layout.js";

const RANK = 4;
const BLOCK = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn";
const WIDTH = 640;
/** Attention to itself and to the text: query and value of one block. */
const MODULES = [
  [`${BLOCK}1_to_q`, WIDTH],
  [`${BLOCK}1_to_v`, WIDTH],
  [`${BLOCK}2_to_q`, WIDTH],
  [`${BLOCK}2_to_v`, 768],
];

/** Write the file. */
export function writeImageAdapter(path, seed) {
  const specs = MODULES.flatMap(([name, inputs]) => [
    { name: `${name}.alpha`, dtype: "F32", shape: [] },
    { name: `${name}.lora_down.weight`, dtype: "F32", shape: [RANK, inputs] },
    { name: `${name}.lora_up.weight`, dtype: "F32", shape: [WIDTH, RANK] },
  ]);
  const layout = layoutSafetensors(specs, { ss_base_model_version: "sd_v1", ss_network_module: "networks.lora" });
  const bytes = new Uint8Array(layout.size);
  bytes.set(layout.header);
  const random = seededRandom(seed);
  for (const { name, shape } of specs) {
    const { begin, end } = layout.tensors.get(name);
    const values = new Float32Array(bytes.buffer.slice(begin, end));
    for (let i = 0; i < values.length; i++) values[i] = shape.length === 0 ? RANK : (random.uniform() - 0.5) / 10;
    bytes.set(new Uint8Array(values.buffer), begin);
  }
  writeFileSync(path, bytes);
}
