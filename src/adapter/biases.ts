import { isFactorDtype } from "../core/elements.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { biasKey } from "../formats/peft-folder/keys.ts";
import type { AdapterModule, ReadAdapter, TensorRef } from "./read-adapter.ts";
import type { Variant } from "./variants.ts";

/** Modules with their biases next to B, the tensors of biases that fit none, and the resulting variants. */
export interface BiasedModules extends Pick<ReadAdapter, "modules" | "variants"> {
  readonly others: ReadonlyMap<string, TensorRef>;
}

/**
 * Match biases next to B (lora_bias) with their modules.
 *
 * @param biases by module
 * @param stated whether a config says that every module has one
 */
export function withBiases(
  modules: ReadonlyMap<string, AdapterModule>,
  biases: ReadonlyMap<string, TensorRef>,
  stated: boolean,
): BiasedModules {
  if (biases.size === 0 && !stated) return { modules, others: new Map(), variants: [] };
  const biased = new Map(modules);
  const others = new Map<string, TensorRef>();
  let wrong: string | null = null;
  for (const [path, tensor] of biases) {
    const module = modules.get(path);
    const { dtype, shape } = tensor;
    if (module !== undefined && elementCount(shape) === module.out && isFactorDtype(dtype)) {
      biased.set(path, { ...module, bias: { ...tensor, dtype } });
      continue;
    }
    others.set(biasKey(path), tensor);
    wrong ??= `${tensor.name} is ${dtype} ${formatShape(shape)}, but must have a number for every output of a module`;
  }
  const bare = [...modules.keys()].find((path) => !biases.has(path));
  if (stated && bare !== undefined) wrong ??= `its file holds no tensor ${biasKey(bare)}`;
  return { modules: biased, others, variants: [variantOf(biases, wrong)] };
}

function variantOf(biases: ReadonlyMap<string, TensorRef>, wrong: string | null): Variant {
  if (wrong !== null) {
    const text = `trains a bias next to B (lora_bias), but ${wrong}; save the adapter again, or pass the config that belongs to it.`;
    return { id: "incomplete", of: "lora_bias", text };
  }
  const [first] = biases.values();
  const text = `trains a bias next to B (tensor ${first!.name}), which lora-lego writes into PEFT folders only; keep it in one, fuse it into its base model, or leave the biases out with --extras drop.`;
  return { id: "lora_bias", text };
}
