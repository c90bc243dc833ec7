import { RefusedError } from "../../core/errors.ts";
import { computedModule } from "../lycoris/computed.ts";
import { misfit } from "../lycoris/parts.ts";
import { sidesOf } from "../lycoris/sides.ts";
import { hadamard, identity, product } from "../matrix-ref.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

const PARTS = "hira_A hira_B hira_embedding_A hira_embedding_B";

/** HiRA: delta = W * (B A), entry by entry, with the base's W. */
export const HIRA: PeftMethod = {
  modules(contents, base) {
    const { name } = contents;
    const { modules: found, others } = gathered(contents, PARTS);
    const modules = found.map((own) => {
      if (own.tensors.has("hira_embedding_A") || own.tensors.get("hira_A")?.shape.length !== 2) {
        throw new RefusedError(
          `${name}: ${own.path} is an embedding or a convolution with HiRA, which lora-lego does not read; retrain it without that layer.`,
        );
      }
      const [A, B] = [neededPart(own, "hira_A"), neededPart(own, "hira_B")];
      const [r = 0, inputs = 0] = A.shape;
      const out = B.shape[0] ?? 0;
      if (B.shape.join() !== `${out},${r}` || r * inputs * out === 0) throw misfit(own);
      const layer = base!.layerOf(own.path, out);
      if (layer.in !== inputs) {
        throw new RefusedError(
          `${name}: ${own.path} has ${inputs} inputs, but ${layer.in} in ${base!.name}; pass the base model that the adapter was trained on.`,
        );
      }
      const [down, up] = [sidesOf(name, A), sidesOf(name, B)];
      // Whole, with entries in the order in which W is stored.
      const halves = layer.turned
        ? { a: hadamard(product(up.byRows, down.byRows), layer.rows), b: identity(out) }
        : { a: identity(inputs), b: hadamard(product(down.byColumns, up.byColumns), layer.columns) };
      return computedModule(own.path, A.name, halves, [], r);
    });
    return { modules, others };
  },
  scale: () => 1,
};
