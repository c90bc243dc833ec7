import { maximum } from "../../core/maximum.ts";
import { plural } from "../../core/plural.ts";
import { bytes } from "../../core/shown.ts";
import type { Notice } from "../read-adapter.ts";
import type { ComputedModule } from "./computed.ts";

/** Say how large the factors of modules are that a file keeps smaller. @param name of the adapter */
export function exactRankNotices(name: string, found: readonly ComputedModule[]): Notice[] {
  // Where only A is computed, the rank is that of the file.
  const modules = found.filter(({ b, rank, dim }) => "matrix" in b && rank !== dim);
  const [first] = modules;
  if (first === undefined) return [];
  const size = modules.reduce((sum, { rank, in: inputs, out }) => sum + 4 * rank * (inputs + out), 0);
  const most = maximum(modules.map(({ rank }) => rank));
  const text = `${name} holds ${plural(modules.length, "module")} in a smaller form than factors (such as ${first.a.name}), read as LoRA of the same deltas: rank ${most} at most, ${bytes(size)} of factors in f32; lora-lego resize --rank ${Math.ceil(most / 2)} writes a smaller LoRA that is close to it.`;
  return [{ id: "exact-rank", text }];
}
