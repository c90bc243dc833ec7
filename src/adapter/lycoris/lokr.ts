import { FormatError } from "../../core/errors.ts";
import { kronecker } from "../matrix-ref.ts";
import { type ComputedModule, computedModule } from "./computed.ts";
import { misfit, type Parts, partOf } from "./parts.ts";
import { factoredMatrix, type MadeMatrix, wholeMatrix } from "./sides.ts";

/** What stands behind a module's name in the tensors of a LoKr. */
export const LOKR_PARTS: readonly string[] = "lokr_w1 lokr_w1_a lokr_w1_b lokr_w2 lokr_w2_a lokr_w2_b lokr_t2".split(
  " ",
);

/**
 * The module of a LoKr: delta = w1 (Kronecker) w2, each whole or factored, through the products of their factors. alpha counts only where
 * one of them is factored, over the inner size of w2, or of w1 if w2 is whole (ComfyUI's comfy/weight_adapter/lokr.py).
 *
 * @throws FormatError for tensors that are missing or do not fit each other
 */
export function moduleOfLokr(parts: Parts): ComputedModule {
  const w1 = sideOf(parts, "lokr_w1");
  const w2 = sideOf(parts, "lokr_w2", "lokr_t2");
  if (w1.kernel.length > 0) throw misfit(parts);
  const halves = { a: kronecker(w1.a, w2.a), b: kronecker(w1.b, w2.b) };
  return computedModule(parts.path, w1.key, halves, w2.kernel, w2.dim ?? w1.dim);
}

/** One side of the Kronecker product. @param core of its Tucker decomposition, where it may have one */
function sideOf(parts: Parts, side: string, core?: string): MadeMatrix {
  const { name, path, tensors } = parts;
  const factors = [`${side}_a`, `${side}_b`, ...(core === undefined ? [] : [core])];
  const others = factors.flatMap((part) => tensors.get(part) ?? []);
  if (others.length > 0 && tensors.has(side)) {
    throw new FormatError(
      `${name}: ${tensors.get(side)!.name} and ${others[0]!.name} both belong to one side of ${path}; remove the one that does not belong to the adapter.`,
    );
  }
  return others.length > 0
    ? factoredMatrix(parts, `${side}_a`, `${side}_b`, core)
    : wholeMatrix(parts, partOf(parts, side));
}
