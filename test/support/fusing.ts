import type { Adapter } from "../../src/adapter/adapter.ts";
import { memorySink } from "../../src/core/bytes.ts";
import type { BaseConfig } from "../../src/fuse/base-config.ts";
import { parseBaseConfig } from "../../src/fuse/base-config.ts";
import type { BaseModel } from "../../src/fuse/base-model.ts";
import { fuseShard } from "../../src/fuse/fuse.ts";
import { layoutShard } from "../../src/fuse/output-model.ts";
import { type FuseRecipe, planFusion } from "../../src/fuse/plan-fusion.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { decodeTensors } from "./pico.ts";

/** A base's config.json of these fields. */
export function baseConfig(fields: Readonly<Record<string, unknown>>): BaseConfig {
  return parseBaseConfig(JSON.stringify({ model_type: "llama", ...fields }), "base/config.json");
}

/** The bytes of every shard of a fusion. */
export async function fusedFiles(
  base: BaseModel,
  adapters: readonly Adapter[],
  recipe: FuseRecipe = {},
  config: BaseConfig | null = null,
  kernels: Kernels = wasmKernels(),
): Promise<Uint8Array[]> {
  const plan = planFusion(base, adapters, recipe, config);
  const files: Uint8Array[] = [];
  for (const i of base.shards.keys()) {
    const layout = await layoutShard(base, plan, i);
    const sink = memorySink(layout.size);
    await fuseShard(kernels, base, adapters, plan, layout, sink);
    files.push(sink.bytes);
  }
  return files;
}

/** The tensors of a fused model, by their names. */
export async function fusedTensors(
  base: BaseModel,
  adapters: readonly Adapter[],
  recipe: FuseRecipe = {},
  config: BaseConfig | null = null,
): Promise<Record<string, { shape: number[]; values: number[] }>> {
  const tensors: Record<string, { shape: number[]; values: number[] }> = {};
  for (const bytes of await fusedFiles(base, adapters, recipe, config)) {
    for (const [name, { shape, values }] of decodeTensors(bytes)) tensors[name] = { shape, values: [...values] };
  }
  return tensors;
}
