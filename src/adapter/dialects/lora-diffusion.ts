import type { Dialect } from "../dialect.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { addModule, plainAdapter } from "../plain-adapter.ts";
import type { AdapterModule, TensorRef } from "../read-adapter.ts";

const FACTOR = /^((?:unet|text_encoder):\d+):(down|up)$/;

/**
 * The dialect of cloneofsimo's lora_diffusion: unet:12:down (r, in) and unet:12:up (out, r), numbered in the order in which its code finds
 * the layers, at scale 1. The numbers are no names, so such adapters merge only with each other; learnt tokens (<s1>) are extras.
 */
export const loraDiffusion: Dialect = {
  title: "lora_diffusion",
  recognises: (key) => FACTOR.test(key),
  async read({ name, files, tensors }) {
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "down", b: "up" });
    const modules = new Map<string, AdapterModule>();
    for (const { path, a, b } of pairs) {
      addModule(name, modules, { ...moduleOfFactors(name, path, "linear", a, b), scale: 1 });
    }
    const extras = new Map<string, TensorRef>(others.map((tensor) => [tensor.name, tensor]));
    return plainAdapter({ name, files, modules, extras });
  },
};

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  return match === null ? null : { path: match[1]!, half: match[2] === "down" ? "a" : "b" };
}
