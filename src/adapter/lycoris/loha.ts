import { hadamard, rowProducts } from "../matrix-ref.ts";
import { type ComputedModule, computedModule } from "./computed.ts";
import { misfit, type Parts, partOf } from "./parts.ts";
import { factoredMatrix, halvesOf } from "./sides.ts";

/** What stands behind a module's name in the tensors of a LoHa. */
export const LOHA_PARTS: readonly string[] = "hada_w1_a hada_w1_b hada_w2_a hada_w2_b hada_t1 hada_t2".split(" ");

/**
 * The module of a LoHa: delta = (w1_a w1_b) * (w2_a w2_b) element by element. Every product of a unit of one with a unit of the other is a
 * unit, which makes r^2; where the delta itself has fewer rows or columns, it is taken as a matrix. alpha counts over r
 * (ComfyUI's comfy/weight_adapter/loha.py).
 *
 * @throws FormatError for tensors that are missing or do not fit each other
 */
export function moduleOfLoha(parts: Parts): ComputedModule {
  if (parts.tensors.has("hada_t1") !== parts.tensors.has("hada_t2")) {
    for (const core of ["hada_t1", "hada_t2"]) partOf(parts, core);
  }
  const w1 = factoredMatrix(parts, "hada_w1_a", "hada_w1_b", "hada_t1");
  const w2 = factoredMatrix(parts, "hada_w2_a", "hada_w2_b", "hada_t2");
  const { rows, columns } = w1.byRows;
  if (rows !== w2.byRows.rows || columns !== w2.byRows.columns || w1.kernel.join() !== w2.kernel.join()) {
    throw misfit(parts);
  }
  const turned = [w1.byColumns, w2.byColumns];
  const whole = halvesOf({
    byRows: hadamard(w1.byRows, w2.byRows),
    byColumns: turned[0] && turned[1] ? hadamard(turned[0], turned[1]) : null,
  });
  const units = { a: rowProducts(w1.a, w2.a), b: rowProducts(w1.b, w2.b) };
  const halves = units.a.rows <= whole.a.rows ? units : whole;
  return computedModule(parts.path, w1.key, halves, w1.kernel, w1.dim);
}
