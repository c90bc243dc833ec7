import { FormatError, RefusedError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import { parseMlxConfig } from "../../formats/mlx-config.ts";
import { CONFIG_FILE } from "../../formats/peft-folder/files.ts";
import { denseFactor } from "../dense-factor.ts";
import type { Dialect } from "../dialect.ts";
import { doraVariants } from "../dora.ts";
import { expertModules } from "../expert-tensors.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors, type StridedModule } from "../module-of-factors.ts";
import { expertOfMlx, moduleOfMlx } from "../names/mlx.ts";
import { isTableName } from "../names/vocabulary.ts";
import { addModule, plainAdapter } from "../plain-adapter.ts";
import type { AdapterModule, TensorRef } from "../read-adapter.ts";

const FACTOR = /^(.+)\.lora_([ab])$/;

/**
 * The dialect of mlx-lm: <module>.lora_a (in, r) and .lora_b (r, out), the transposes of PEFT's, and one scale in adapter_config.json
 * that multiplies the product directly. Experts of a layer are stacked: lora_a (E, r, in) and lora_b (E, out, r).
 */
export const mlx: Dialect = {
  title: "MLX",
  recognises: (key) => FACTOR.test(key),
  async read({ name, files, tensors, config }) {
    if (config === null) {
      throw new FormatError(`${files[0]!.name} has no ${CONFIG_FILE} next to it, which holds the scale; add it.`);
    }
    const { scale, rank, baseModel, someLayers, dora } = parseMlxConfig(config.text, config.where);
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_a", b: "lora_b" });
    const magnitudes = magnitudesOf(name, others);
    const modules = new Map<string, AdapterModule>();
    for (const { path, a, b } of pairs) {
      for (const module of modulesOf(name, moduleOfMlx(path), a, b)) {
        if (module.rank !== rank) {
          throw new FormatError(
            `${name}: the config gives rank ${rank}, but ${a.name} has shape ${formatShape(a.shape)}; pass the config that was saved with these weights.`,
          );
        }
        addModule(name, modules, { ...module, scale });
      }
    }
    const variants = doraVariants(modules, magnitudes, dora ? `fine_tune_type "dora" in ${config.where}` : null);
    return plainAdapter({ name, files, modules, baseModel, someLayers, magnitudes, variants });
  },
};

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  return match === null ? null : { path: match[1]!, half: match[2] as "a" | "b" };
}

function modulesOf(name: string, path: string, a: TensorRef, b: TensorRef): StridedModule[] {
  if (a.shape.length === 3) {
    const nameOf = expertOfMlx(path);
    if (nameOf !== null) return expertModules(name, path, a, b, nameOf);
    throw new RefusedError(
      `${name}: ${path} has factors of several modules (lora_a is ${formatShape(a.shape)}) and is not named like experts of mlx-lm (such as mlp.switch_mlp.up_proj); leave those layers out.`,
    );
  }
  // MLX names the factors of embeddings and linear layers alike.
  const stored = isTableName(path) ? "embedding" : "linear";
  const turned = (tensor: TensorRef): TensorRef => ({ ...tensor, shape: tensor.shape.toReversed() });
  const module = moduleOfFactors(name, path, stored, turned(a), turned(b));
  const { rank } = module;
  return [{ ...module, a: denseFactor(module.a, "columns", rank), b: denseFactor(module.b, "rows", rank) }];
}

/** The magnitudes of DoRA, by module. Refuses any other tensor, which would be lost. */
function magnitudesOf(name: string, others: readonly TensorRef[]): Map<string, TensorRef> {
  const magnitudes = new Map<string, TensorRef>();
  for (const tensor of others) {
    if (!tensor.name.endsWith(".m")) {
      throw new RefusedError(
        `${name}: the tensor ${tensor.name} is not part of an MLX LoRA adapter; train it as plain LoRA.`,
      );
    }
    magnitudes.set(moduleOfMlx(tensor.name.slice(0, -2)), tensor);
  }
  return magnitudes;
}
