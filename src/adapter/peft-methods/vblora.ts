import { FormatError, RefusedError } from "../../core/errors.ts";
import { type JsonObject, showJson } from "../../formats/json.ts";
import { computedModule } from "../lycoris/computed.ts";
import { misfit } from "../lycoris/parts.ts";
import { sidesOf } from "../lycoris/sides.ts";
import type { MatrixRef } from "../read-adapter.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

/** PEFT's default of `topk`. */
const MOST = 2;

/**
 * VB-LoRA: the rows of A (r, in) and the columns of B are put together from vectors of one bank, each a mixture of the few with the largest
 * logits: logits_A (r, in / length, n) and logits_B (out / length, r, n).
 */
export const VBLORA: PeftMethod = {
  modules(contents) {
    const { name, fields } = contents;
    const { modules: found, shared, others } = gathered(contents, "vblora_logits_A vblora_logits_B vblora_vector_bank");
    const topk = others.find(({ name: key }) => key.includes("_topk_"));
    if (topk !== undefined) {
      throw new RefusedError(
        `${name} holds only the largest logits (tensor ${topk.name}), which lora-lego does not read; load it with PEFT and save it with save_only_topk_weights=False.`,
      );
    }
    if (found.length === 0) return { modules: [], others };
    const bank = neededPart(shared, "vblora_vector_bank");
    const [vectors = 0, length = 0] = bank.shape;
    const most = topkOf(name, fields);
    const modules = found.map((parts) => {
      const [A, B] = [neededPart(parts, "vblora_logits_A"), neededPart(parts, "vblora_logits_B")];
      const [r = 0, inputs = 0] = A.shape;
      const [out = 0, units] = B.shape;
      const fits = [A, B].every(({ shape }) => shape.length === 3 && shape[2] === vectors);
      if (!fits || units !== r || bank.shape.length !== 2 || r * inputs * out * length === 0) {
        throw misfit({ ...parts, tensors: new Map([...parts.tensors, ["vblora_vector_bank", bank]]) });
      }
      const mixed = (logits: MatrixRef, tilesFirst: boolean, tiles: number): MatrixRef => ({
        op: "mixed",
        logits,
        tilesFirst,
        bank: sidesOf(name, bank).byRows,
        most,
        rows: r,
        columns: tiles * length,
      });
      const a = mixed(sidesOf(name, A).byRows, false, inputs);
      const b = mixed(sidesOf(name, B).byRows, true, out);
      return computedModule(parts.path, A.name, { a, b }, [], r);
    });
    return { modules, others };
  },
  scale: () => 1,
};

/** How many vectors a mixture has. */
function topkOf(name: string, { topk = MOST }: JsonObject): number {
  if (typeof topk === "number" && Number.isInteger(topk) && topk > 0) return topk;
  throw new FormatError(
    `${name}: topk in the config is ${showJson(topk)}, but must be a positive integer; pass the config that was saved with these weights.`,
  );
}
