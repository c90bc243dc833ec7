import type { Adapter } from "./adapter.ts";
import type { TensorRef } from "./read-adapter.ts";

/** The tensors of an adapter that hold its values, each once: what factors are stored in or computed from, and what is beside them. */
export function storedTensors(adapter: Adapter): TensorRef[] {
  const { modules, extras, magnitudes, tokenRows, others } = adapter;
  const found = new Map<string, TensorRef>();
  const factors = Array.from(modules.values(), ({ a, b, bias }) => [a, b, bias ?? []]);
  for (const tensor of tensorsIn([
    factors,
    ...[extras, magnitudes, tokenRows, others].map((own) => [...own.values()]),
  ])) {
    found.set(`${tensor.file} ${tensor.name}`, tensor);
  }
  return [...found.values()];
}

/** The tensors that plain data mentions, however deep. */
function* tensorsIn(data: object): Generator<TensorRef> {
  if (isTensor(data)) yield data;
  else for (const part of Object.values(data)) if (typeof part === "object" && part !== null) yield* tensorsIn(part);
}

function isTensor(data: object): data is TensorRef {
  return "begin" in data;
}
