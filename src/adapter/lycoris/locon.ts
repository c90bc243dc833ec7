import type { FactorDtype } from "../../core/dtype.ts";
import { FormatError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import { denseFactor } from "../dense-factor.ts";
import { coreProduct } from "../matrix-ref.ts";
import { refuseNoFloats } from "../module-of-factors.ts";
import type { TensorRef } from "../read-adapter.ts";
import { type ComputedModule, computedFactor } from "./computed.ts";
import { sidesOf } from "./sides.ts";

/**
 * The module of a LoCon whose convolution is split into three: down (q, in), mid (r, q, kernel...) and up (out, r). mid times the channels
 * of down is an A (r, in, kernel...), so the delta is that of a plain LoRA. alpha counts over q (ComfyUI's comfy/weight_adapter/lora.py).
 *
 * @param name of the adapter
 * @throws FormatError for shapes that do not fit each other
 */
export function moduleOfLocon(
  name: string,
  path: string,
  { down, mid, up }: { readonly down: TensorRef; readonly mid: TensorRef; readonly up: TensorRef },
): ComputedModule {
  const [r, q, ...kernel] = mid.shape as [number, number, ...number[]];
  const fits =
    kernel.length > 0 &&
    [down, up].every(({ shape }) => shape.length >= 2 && shape.slice(2).every((size) => size === 1)) &&
    down.shape[0] === q &&
    up.shape[1] === r &&
    [down, mid, up].every(({ shape }) => elementCount(shape) > 0);
  if (!fits) {
    throw new FormatError(
      `${name}: the factors of ${path} do not fit each other (lora_down ${formatShape(down.shape)}, lora_mid ${formatShape(mid.shape)}, lora_up ${formatShape(up.shape)}); expected (q, in), (r, q, kernel...) and (out, r); save the adapter again.`,
    );
  }
  refuseNoFloats(name, up);
  const a = coreProduct(sidesOf(name, mid).byRows, sidesOf(name, down).byRows);
  return {
    name: path,
    kind: "conv",
    in: a.columns,
    out: up.shape[0]!,
    inputShape: [down.shape[1]!, ...kernel],
    rank: r,
    a: computedFactor(down.name, a),
    b: denseFactor(up as TensorRef<FactorDtype>, "columns", r),
    dim: q,
  };
}
