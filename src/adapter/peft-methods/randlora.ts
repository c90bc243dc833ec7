import { denseFactor } from "../dense-factor.ts";
import { computedModule } from "../lycoris/computed.ts";
import { misfit } from "../lycoris/parts.ts";
import { sidesOf } from "../lycoris/sides.ts";
import { rowProducts, scaledBy, stored } from "../matrix-ref.ts";
import { floats } from "../module-of-factors.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";
import { projection } from "./vera.ts";

const PARTS = "randlora_A randlora_B randlora_lambda randlora_gamma";

/**
 * RandLora: n products of random matrices that all modules share, A (r, 1, smaller size) and B (larger size, n, r), scaled by lambda (r, n)
 * and gamma (n, smaller size). Unit i of A's units is row i / n of A times row i mod n of gamma, and goes with the i-th of B's.
 */
export const RANDLORA: PeftMethod = {
  modules(contents, base) {
    const { name } = contents;
    const { modules: found, shared, others } = gathered(contents, PARTS);
    if (found.length === 0) return { modules: [], others };
    const [A, B] = [projection(shared, "randlora_A"), projection(shared, "randlora_B")];
    const modules = found.map((own) => {
      const [lambda, gamma] = [neededPart(own, "randlora_lambda"), neededPart(own, "randlora_gamma")];
      const [r = 0, n = 0] = lambda.shape;
      const smaller = gamma.shape[1] ?? 0;
      const { in: inputs, out } = base!.layerOf(own.path, null);
      const larger = Math.max(inputs, out);
      const [most = 0, bases = 0, units] = B.shape;
      const fits =
        gamma.shape.join() === `${n},${Math.min(inputs, out)}` &&
        A.shape.join() === `${r},1,${A.shape[2]}` &&
        smaller <= A.shape[2]! &&
        units === r &&
        n <= bases &&
        larger <= most;
      if (!fits || r * n === 0) throw misfit({ ...own, tensors: new Map([...own.tensors, ...shared.tensors]) });
      const small = stored({ ...denseFactor(A, "rows", r), size: smaller });
      const strengths = stored(denseFactor(floats(name, lambda), "rows", r * n));
      const scaled = scaledBy(strengths, rowProducts(small, sidesOf(name, gamma).byRows));
      const large = stored({ ...denseFactor(B, "columns", bases * r), rank: n * r, size: larger });
      const sides = smaller === inputs ? { a: scaled, b: large } : { a: large, b: scaled };
      return computedModule(own.path, lambda.name, sides, [], null);
    });
    return { modules, others };
  },
  scale: (rank, alpha) => alpha / rank,
};
