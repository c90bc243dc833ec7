import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { storedTensors } from "../../adapter/stored-tensors.ts";
import { isAllFinite } from "../../adapter/tensor-values.ts";
import { differs, type Finding } from "./finding.ts";

/** Whether all values are finite, which no header shows: reads every tensor until one is not. */
export async function checkValues(adapter: Adapter, { title }: Consumer): Promise<Finding[]> {
  for (const tensor of storedTensors(adapter)) {
    if (await isAllFinite(adapter.files, tensor)) continue;
    return [
      differs(
        `${title} loads values as they are, but the tensor ${tensor.name} holds NaN or infinite values (or values beyond f32), so its outputs mean nothing; retrain or repair that adapter.`,
      ),
    ];
  }
  return [];
}
