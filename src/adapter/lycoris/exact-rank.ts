import { maximum } from "../../core/maximum.ts";
import { plural } from "../../core/plural.ts";
import { bytes } from "../../core/shown.ts";
import type { AdapterModule, Notice } from "../read-adapter.ts";

/** Say how large the factors of modules are that LyCORIS keeps smaller. @param name of the adapter */
export function exactRankNotices(name: string, found: readonly Omit<AdapterModule, "scale">[]): Notice[] {
  // Where only A is computed, the rank is that of the file.
  const modules = found.filter(({ b }) => "matrix" in b);
  const [first] = modules;
  if (first === undefined) return [];
  const size = modules.reduce((sum, { rank, in: inputs, out }) => sum + 4 * rank * (inputs + out), 0);
  const text = `${name} holds ${plural(modules.length, "module")} of LoKr or LoHa (such as ${first.a.name}), read as LoRA of the same deltas: rank ${maximum(modules.map(({ rank }) => rank))} at most, ${bytes(size)} of factors in f32; lora-lego resize --rank writes a smaller LoRA that is close to it.`;
  return [{ id: "exact-rank", text }];
}
