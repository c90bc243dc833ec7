import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { storedTensors } from "../../adapter/stored-tensors.ts";
import { isAllFinite } from "../../adapter/tensor-values.ts";
import { differs, type Finding } from "./finding.ts";

/** The first tensor whose values are not all finite, which no header shows: reads every tensor until then. null if there is none. */
export async function notFinite(adapter: Adapter): Promise<string | null> {
  for (const tensor of storedTensors(adapter)) {
    if (!(await isAllFinite(adapter.files, tensor))) return tensor.name;
  }
  return null;
}

/** What such a tensor means in a program. */
export function checkValues(tensor: string | null, { title }: Consumer): Finding[] {
  if (tensor === null) return [];
  const text = `${title} loads values as they are, but the tensor ${tensor} holds NaN or infinite values (or values beyond f32), so its outputs mean nothing; retrain or repair that adapter.`;
  return [differs(text)];
}
