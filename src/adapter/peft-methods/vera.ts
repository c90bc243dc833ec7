import type { FactorDtype } from "../../core/dtype.ts";
import { RefusedError } from "../../core/errors.ts";
import type { BaseLayers } from "../base-layers.ts";
import { denseFactor } from "../dense-factor.ts";
import { computedModule } from "../lycoris/computed.ts";
import { misfit, type Parts } from "../lycoris/parts.ts";
import { sidesOf } from "../lycoris/sides.ts";
import { scaledBy, stored } from "../matrix-ref.ts";
import { floats } from "../module-of-factors.ts";
import type { TensorRef } from "../read-adapter.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

/**
 * VeRA: delta = diag(b) B diag(d) A, with vectors d (r) and b (out) of each module and matrices that all share, A (r, most inputs) and
 * B (most outputs, r), of which a module takes the first columns and rows. Its file does not say how many inputs it has.
 */
export const VERA: PeftMethod = { modules: (contents, base) => modulesOf(contents, base!, "vera", 1), scale: () => 1 };

/** PVeRA: VeRA whose d is drawn; the delta is that of the mean, which the first half of A and d gives. */
export const PVERA: PeftMethod = {
  modules: (contents, base) => modulesOf(contents, base!, "pvera", 2),
  scale: () => 1,
};

/** @param halves how many times as many rows A has as the delta has units */
function modulesOf(
  contents: Parameters<PeftMethod["modules"]>[0],
  base: BaseLayers,
  method: string,
  halves: number,
): ReturnType<PeftMethod["modules"]> {
  const { name } = contents;
  const parts = ["A", "B", "lambda_b", "lambda_d"].map((part) => `${method}_${part}`);
  const { modules: found, shared, others } = gathered(contents, parts.join(" "));
  if (found.length === 0) return { modules: [], others };
  const [A, B] = parts.slice(0, 2).map((part) => projection(shared, part));
  const modules = found.map((own) => {
    const [b, d] = [neededPart(own, parts[2]!), neededPart(own, parts[3]!)];
    const [most = 0, r = 0] = B!.shape;
    const out = b.shape[0] ?? 0;
    const { in: inputs } = base.layerOf(own.path, out);
    const fits =
      d.shape.join() === `${halves * r}` && A!.shape[0] === halves * r && inputs <= (A!.shape[1] ?? 0) && out <= most;
    if (!fits || r * out === 0) throw misfit({ ...own, tensors: new Map([...own.tensors, ...shared.tensors]) });
    const rows = { ...denseFactor(A!, "rows", halves * r), rank: r, size: inputs };
    const columns = { ...denseFactor(B!, "columns", r), size: out };
    const strengths = { ...denseFactor(floats(name, d), "rows", halves * r), rank: r };
    const sides = {
      a: scaledBy(stored(strengths), stored(rows)),
      b: scaledBy(sidesOf(name, b).byColumns, stored(columns)),
    };
    return computedModule(own.path, b.name, sides, [], r);
  });
  return { modules, others };
}

/** A matrix that all modules share. @throws RefusedError where it was not saved */
export function projection(shared: Parts, part: string): TensorRef<FactorDtype> {
  const tensor = shared.tensors.get(part);
  if (tensor !== undefined) return floats(shared.name, tensor);
  throw new RefusedError(
    `${shared.name} was saved without ${part}, which its training drew at random and without which its delta is not known; load it with PEFT and save it with save_projection=True.`,
  );
}
