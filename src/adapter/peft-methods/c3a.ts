import { computedModule } from "../lycoris/computed.ts";
import { misfit } from "../lycoris/parts.ts";
import { halvesOf, sidesOf } from "../lycoris/sides.ts";
import type { MatrixRef } from "../read-adapter.ts";
import { gathered, neededPart } from "./gathered.ts";
import type { PeftMethod } from "./method.ts";

/** C3A: circulant blocks, one for each row of a kernel (out / b, in / b, b), over the number of inputs. */
export const C3A: PeftMethod = {
  modules(contents) {
    const { name } = contents;
    const { modules: found, others } = gathered(contents, "c3a_kernel");
    const modules = found.map((parts) => {
      const kernel = neededPart(parts, "c3a_kernel");
      const [rows = 0, columns = 0, size = 0] = kernel.shape;
      if (kernel.shape.length !== 3 || rows * columns * size === 0) throw misfit(parts);
      const whole = sidesOf(name, kernel).byRows;
      const circulant = (turned: boolean): MatrixRef => {
        const [out, inputs] = [rows * size, columns * size];
        const shape = turned ? { rows: inputs, columns: out } : { rows: out, columns: inputs };
        return { op: "circulant", kernel: whole, size, turned, ...shape };
      };
      const halves = halvesOf({ byRows: circulant(false), byColumns: circulant(true) });
      return computedModule(parts.path, kernel.name, halves, [], null);
    });
    return { modules, others };
  },
  scale: (_rank, _alpha, { in: inputs }) => 1 / inputs,
};
