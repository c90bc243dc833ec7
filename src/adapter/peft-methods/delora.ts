import { computedFactor } from "../lycoris/computed.ts";
import { misfit } from "../lycoris/parts.ts";
import { sidesOf } from "../lycoris/sides.ts";
import { scaledBy, unitRows } from "../matrix-ref.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { readScalar } from "../tensor-values.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

/** PEFT divides by no shorter length. */
const LEAST_LENGTH = 1e-4;

/**
 * DeLoRA: units of length 1, all of one strength lambda / r, and a factor for each input, the norm of the base's column there:
 * delta = (lambda / r) (B / |B|) (A / |A|) diag(w_norm).
 */
export const DELORA: PeftMethod = {
  async modules(contents) {
    const { name, files } = contents;
    const { modules: found, others } = gathered(contents, "delora_A delora_B delora_lambda delora_w_norm");
    const modules = found.map(async (parts) => {
      const [A, B, norms, lambda] = ["delora_A", "delora_B", "delora_w_norm", "delora_lambda"].map((part) =>
        neededPart(parts, part),
      );
      const module = moduleOfFactors(name, parts.path, "linear", A!, B!);
      if (norms!.shape.join() !== `${module.in}`) throw misfit(parts);
      const a = scaledBy(sidesOf(name, norms!).byColumns, unitRows(sidesOf(name, A!).byRows, LEAST_LENGTH));
      const b = unitRows(sidesOf(name, B!).byColumns, LEAST_LENGTH);
      return {
        ...module,
        a: computedFactor(A!.name, a),
        b: computedFactor(B!.name, b),
        dim: module.rank,
        alpha: await readScalar(name, files, lambda!),
      };
    });
    return { modules: await Promise.all(modules), others };
  },
  scale: (rank, alpha) => alpha / rank,
};
