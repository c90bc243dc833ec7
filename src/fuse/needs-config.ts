import { UsageError } from "../core/errors.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";

/** Weights of GPT-2 and its kin, some of which are Conv1D, and biases that gpt-oss alone has beside its experts, which are (in, out) too. */
const OPEN =
  /(^|\.)h\.\d+\.(attn|crossattention|mlp)\.(c_attn|q_attn|c_proj|c_fc)\.weight$|\.experts\.(gate_up|down)_proj_bias$/;

/** Refuse a base without a config.json where only that says whether weights are stored as (in, out). @throws UsageError */
export function refuseWithoutConfig({ name, tensors }: BaseModel, config: BaseConfig | null): void {
  const found = config === null ? [...tensors.keys()].find((key) => OPEN.test(key)) : undefined;
  if (found === undefined) return;
  throw new UsageError(
    `${name} has ${found}, and no config.json that says whether the weights of its model are stored as (in, out); put the model's config.json beside its weights.`,
  );
}
