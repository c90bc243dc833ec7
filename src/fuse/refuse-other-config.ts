import { RefusedError } from "../core/errors.ts";
import type { BaseConfig } from "./base-config.ts";

/**
 * Refuse a tuned model whose config.json says that it is another model than the base, though its tensors may have the same names and sizes.
 * What only one of the two says is not compared.
 *
 * @throws RefusedError for another model_type, class of a pipeline's part, or number of layers
 */
export function refuseOtherConfig(base: BaseConfig | null, tuned: BaseConfig | null): void {
  const fields = [
    ["model_type", "modelType"],
    ["_class_name", "className"],
    ["num_hidden_layers", "layers"],
  ] as const;
  for (const [field, key] of fields) {
    const [before, after] = [base?.[key] ?? null, tuned?.[key] ?? null];
    if (before === null || after === null || before === after) continue;
    throw new RefusedError(
      `${tuned!.where} says ${field} ${after}, but ${base!.where} says ${before}; pass the base model that it was tuned from.`,
    );
  }
}
