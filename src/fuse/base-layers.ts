import type { BaseFiles, BaseLayer } from "../adapter/base-layers.ts";
import { denseFactor } from "../adapter/dense-factor.ts";
import { stored } from "../adapter/matrix-ref.ts";
import type { FactorDtype } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { RefusedError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { hasPeftPrefix, withoutPeftPrefix } from "../formats/peft-folder/keys.ts";
import type { BaseConfig } from "./base-config.ts";
import { type BaseModel, filesOf } from "./base-model.ts";
import { baseTensor } from "./base-tensor.ts";
import { isConv1d } from "./conv1d.ts";

/**
 * The linear layers of a model, for adapters whose deltas need them.
 *
 * @param config of the model; null where it has none, and then a layer's shape tells whether it is stored as (in, out)
 */
export function baseLayers(base: BaseModel, config: BaseConfig | null): BaseFiles {
  const { name } = base;
  const modelType = config?.modelType ?? null;
  return {
    files: filesOf(base),
    after: (others) => ({
      name,
      layerOf(path, out) {
        const module = hasPeftPrefix(path) ? withoutPeftPrefix(path) : path;
        const tensor = baseTensor(base, `${module}.weight`, module);
        const { dtype, shape } = tensor;
        const [first = 0, second = 0] = shape;
        const turned = modelType === null ? out !== null && first !== out : isConv1d(module, modelType);
        const outputs = turned ? second : first;
        if (shape.length !== 2 || (out !== null && outputs !== out) || !isFactorDtype(dtype)) {
          throw new RefusedError(
            `${name}: ${tensor.name} is ${dtype} ${formatShape(shape)}, but the adapter has ${module} as a linear layer${out === null ? "" : ` of ${out} outputs`}; pass the base model that the adapter was trained on, in f32, f16 or bf16.`,
          );
        }
        const placed = { ...tensor, file: tensor.file + others, dtype: dtype as FactorDtype };
        const [rows, columns] = [
          stored(denseFactor(placed, "rows", first)),
          stored(denseFactor(placed, "columns", second)),
        ];
        const own = { turned, in: turned ? first : second, out: outputs };
        return (turned ? { ...own, rows: columns, columns: rows } : { ...own, rows, columns }) satisfies BaseLayer;
      },
    }),
  };
}
