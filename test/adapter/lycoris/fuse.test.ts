import { describe, expect, it } from "vitest";
import { fusedTensors } from "../../support/fusing.ts";
import { type LycorisTensors, openLycoris } from "../../support/lycoris.ts";
import { openPicoModel } from "../../support/models.ts";

const PATH = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
const STEM = `lora_unet_${PATH.replaceAll(".", "_")}`;
const WEIGHT = [
  [1, 4],
  [0, 2],
  [-3, 1],
];
/** w1 (3, 1) and w2 (1, 2), so that the delta is w1 w2. */
const LOKR = { lokr_w1: [[2], [1], [-2]], lokr_w2: [[1, -1]] };
const SUM = [3, 2, 1, 1, -5, 3];

async function fused(tensors: LycorisTensors): Promise<number[]> {
  const model = await openPicoModel({ [`${PATH}.weight`]: WEIGHT });
  return (await fusedTensors(model, [await openLycoris(tensors, "F32", STEM)]))[`${PATH}.weight`]!.values;
}

describe("fusing a LoKr", () => {
  it("adds the Kronecker product to the weight", async () => {
    expect(await fused(LOKR)).toEqual(SUM);
  });

  it("applies DoRA to it, as to a LoRA", async () => {
    const values = await fused({ ...LOKR, dora_scale: [[5], [2], [1]] });
    const wanted = SUM.map((value, at) => {
      const row = Math.floor(at / 2);
      return (value * [5, 2, 1][row]!) / Math.hypot(SUM[2 * row]!, SUM[2 * row + 1]!);
    });
    for (const [at, value] of values.entries()) expect(value).toBeCloseTo(wanted[at]!, 5);
  });
});
