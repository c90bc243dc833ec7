import { denseFactor } from "../dense-factor.ts";
import type { ComputedModule } from "../lycoris/computed.ts";
import { misfit, type Parts } from "../lycoris/parts.ts";
import { floats } from "../module-of-factors.ts";
import type { FactorPiece } from "../read-adapter.ts";
import { composed } from "../weights/cut.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

const PARTS = "gralora_A gralora_B gralora_A_general gralora_B_general";

/**
 * GraLoRA: A (k, in / k, r) and B (k, r, out / k). Each of the k^2 blocks of the delta has r / k units, so that all have k r; units of
 * the whole matrix (gralora_A_general, ..._B_general) may come on top.
 */
export const GRALORA: PeftMethod = {
  modules(contents) {
    const { modules, others } = gathered(contents, PARTS);
    return { modules: modules.map(moduleOf), others };
  },
  scale: (rank, alpha) => alpha / rank,
};

function moduleOf(parts: Parts): ComputedModule {
  const [A, B] = [neededPart(parts, "gralora_A"), neededPart(parts, "gralora_B")].map((tensor) =>
    floats(parts.name, tensor),
  );
  const [k = 0, width = 0, r = 0] = A!.shape;
  const [blocks, units, height = 0] = B!.shape;
  const own = r / k;
  const fits = A!.shape.length === 3 && B!.shape.length === 3 && blocks === k && units === r && Number.isInteger(own);
  if (!fits || k * width * r * height === 0) throw misfit(parts);
  const a: FactorPiece[] = [];
  const b: FactorPiece[] = [];
  for (let n = 0; n < k; n++) {
    const inputs = { ...A!, rank: r, size: width, offset: n * width * r, strides: { unit: 1, entry: r } };
    a.push({ factor: inputs, unit: n * r, entry: n * width, times: 1 });
    for (let s = 0; s < k; s++) {
      const offset = (s * r + n * own) * height;
      const outputs = { ...B!, rank: own, size: height, offset, strides: { unit: height, entry: 1 } };
      b.push({ factor: outputs, unit: n * r + s * own, entry: s * height, times: 1 });
    }
  }
  const general = generalOf(parts, k * width, k * height);
  if (general !== null) {
    a.push({ factor: denseFactor(general.A, "rows", general.rank), unit: k * r, entry: 0, times: 1 });
    b.push({ factor: denseFactor(general.B, "columns", general.rank), unit: k * r, entry: 0, times: 1 });
  }
  const rank = k * r + (general?.rank ?? 0);
  return {
    name: parts.path,
    kind: "linear",
    in: k * width,
    out: k * height,
    inputShape: [k * width],
    rank,
    a: composed(rank, k * width, a),
    b: composed(rank, k * height, b),
    dim: r + (general?.rank ?? 0),
  };
}

/** The units of the whole matrix; null where there are none. */
function generalOf(parts: Parts, inputs: number, out: number) {
  if (!(parts.tensors.has("gralora_A_general") || parts.tensors.has("gralora_B_general"))) return null;
  const [A, B] = ["gralora_A_general", "gralora_B_general"].map((part) => floats(parts.name, neededPart(parts, part)));
  const rank = A!.shape[0] ?? 0;
  if (A!.shape.join() !== `${rank},${inputs}` || B!.shape.join() !== `${out},${rank}` || rank === 0)
    throw misfit(parts);
  return { A: A!, B: B!, rank };
}
