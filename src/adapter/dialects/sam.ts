import { RefusedError } from "../../core/errors.ts";
import type { Dialect } from "../dialect.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { addModule, plainAdapter } from "../plain-adapter.ts";
import type { AdapterModule } from "../read-adapter.ts";

const FACTOR = /^w_([ab])_(\d{3,})$/;

/**
 * The dialect of hand-written LoRA for SAM: w_a_000 (r, in) and w_b_000 (out, r), numbered layer by layer, at scale 1. The numbers say
 * nothing about names, so such adapters merge only with each other.
 */
export const sam: Dialect = {
  title: "SAM LoRA (w_a, w_b)",
  recognises: (key) => FACTOR.test(key),
  async read({ name, files, tensors }) {
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "w_a", b: "w_b" });
    for (const { name: key } of others) {
      throw new RefusedError(
        `${name}: the tensor ${key} is not a LoRA factor (those are named w_a_000 and w_b_000); save the factors alone.`,
      );
    }
    const modules = new Map<string, AdapterModule>();
    for (const { path, a, b } of pairs) {
      addModule(name, modules, { ...moduleOfFactors(name, path, "linear", a, b), scale: 1 });
    }
    return plainAdapter({ name, files, modules });
  },
};

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  return match === null ? null : { path: `w_${match[2]}`, half: match[1] as "a" | "b" };
}
