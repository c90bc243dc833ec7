import type { Adapter } from "../adapter/adapter.ts";
import type { Warning } from "./warning.ts";

/** Say of which adapters modules have alpha 0, in formats where some programs take that for the rank. */
export function silencedModules(adapters: readonly Adapter[]): Warning[] {
  return adapters.flatMap(({ name, format, modules }): Warning[] => {
    if (format !== "kohya" && format !== "diffusers") return [];
    const silent = [...modules.values()].filter(({ scale }) => scale === 0);
    const [first] = silent;
    if (first === undefined) return [];
    const text = `${name} has alpha 0 in ${silent.length} of its modules (as ${first.name}), so their deltas are zero, as ComfyUI and diffusers take it; sd-scripts trains with the rank instead, so if it did, set alpha to the rank.`;
    return [{ id: "alpha-zero", text }];
  });
}
