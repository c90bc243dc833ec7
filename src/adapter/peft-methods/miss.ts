import { RefusedError } from "../../core/errors.ts";
import { computedModule } from "../lycoris/computed.ts";
import { misfit } from "../lycoris/parts.ts";
import { sidesOf } from "../lycoris/sides.ts";
import { identity, tiled } from "../matrix-ref.ts";
import type { MatrixRef } from "../read-adapter.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

/** MiSS, and Bone, as it was called before. @param part what their tensor is called */
function miss(part: string): PeftMethod {
  return {
    modules(contents, base) {
      const { name, fields } = contents;
      const { modules: found, others } = gathered(contents, part);
      const modules = found.map((own) => {
        const block = neededPart(own, part);
        const [first = 0, second = 0, third] = block.shape;
        if (fields.init_weights === "bat" ? third !== second : third !== undefined) throw misfit(own);
        if (first * second === 0) throw misfit(own);
        const { byRows } = sidesOf(name, block);
        if (third === undefined) {
          const mini = fields.init_weights === "mini";
          const { in: inputs, out } = base!.layerOf(own.path, mini ? null : second);
          // Outputs share the columns of a smaller block in turn.
          const b: MatrixRef = mini ? tiled(byRows, first, out) : byRows;
          return computedModule(own.path, block.name, { a: tiled(identity(first), first, inputs), b }, [], first);
        }
        const { in: inputs, out, columns } = base!.layerOf(own.path, first * second);
        if (inputs % second !== 0) {
          throw new RefusedError(
            `${name}: ${own.path} has ${inputs} inputs in ${base!.name}, which blocks of ${second} do not divide; pass the base model that the adapter was trained on.`,
          );
        }
        const b: MatrixRef = { op: "blocks", of: columns, blocks: byRows, size: second, rows: inputs, columns: out };
        return computedModule(own.path, block.name, { a: identity(inputs), b }, [], null);
      });
      return { modules, others };
    },
    scale: () => 1,
  };
}

/**
 * MiSS: input j adds column j mod r of D (out, r), so that delta = D [1 1 ... 1] with r x r identities. D is stored as its transpose,
 * (r, out), or (r, mini_r), whose columns the outputs take in turn. Initialised as "bat", D has a block (r, r) for r outputs each, and
 * delta = W D + D block by block, with the base's W.
 */
export const MISS: PeftMethod = miss("miss_block");
export const BONE: PeftMethod = miss("bone_block");
