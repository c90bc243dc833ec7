import type { AdapterModule } from "../../src/adapter/adapter.ts";
import { denseFactor } from "../../src/adapter/dense-factor.ts";

const tensor = { file: 0, begin: 0, end: 0, dtype: "F32" as const };

/** A linear module of one unit, of names and sizes alone: A is the tensor of that name, B one of its own. */
export function unitModule(name: string, out: number, a: string, scale = 1, inputs = 2): AdapterModule {
  return {
    name,
    kind: "linear",
    in: inputs,
    out,
    inputShape: [inputs],
    rank: 1,
    scale,
    a: denseFactor({ ...tensor, name: a, shape: [1, inputs] }, "rows", 1),
    b: denseFactor({ ...tensor, name: `${name}.b`, shape: [out, 1] }, "columns", 1),
  };
}
