import { FormatError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import { computedFactor } from "../lycoris/computed.ts";
import { sidesOf } from "../lycoris/sides.ts";
import { scaledBy } from "../matrix-ref.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

/** AdaLoRA: delta = s B (E A), with a singular value for each unit in E (r, 1). */
export const ADALORA: PeftMethod = {
  modules(contents) {
    const { name } = contents;
    const { modules: found, others } = gathered(contents, "lora_A lora_B lora_E");
    const modules = found.map((parts) => {
      const [A, B, E] = ["lora_A", "lora_B", "lora_E"].map((part) => neededPart(parts, part));
      const module = moduleOfFactors(name, parts.path, "linear", A!, B!);
      if (E!.shape.join() !== `${module.rank},1`) {
        throw new FormatError(
          `${name}: ${E!.name} is ${formatShape(E!.shape)}, but must be (${module.rank}, 1) beside ${A!.name} ${formatShape(A!.shape)}; save the adapter again.`,
        );
      }
      const scaled = scaledBy(sidesOf(name, E!).byRows, sidesOf(name, A!).byRows);
      // The ranks that training allocated are not in the scale.
      return { ...module, a: computedFactor(E!.name, scaled), dim: null };
    });
    return { modules, others };
  },
  // PEFT divides by the rank that training began with, plus 1e-5; alpha 0 means the module's own rank.
  scale: (rank, alpha, { rank: own }) => (alpha > 0 ? alpha : own) / (rank + 1e-5),
};
