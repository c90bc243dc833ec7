import type { Adapter } from "../adapter/adapter.ts";
import { plural } from "../core/plural.ts";
import type { Warning } from "./warning.ts";

/** What the user should know of what the inputs hold, whatever is merged. */
export function inputWarnings(adapters: readonly Adapter[]): Warning[] {
  return [...adapters.flatMap(({ notices }) => notices), ...silencedModules(adapters), ...droppedCopies(adapters)];
}

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

function droppedCopies(adapters: readonly Adapter[]): Warning[] {
  const keys = adapters.flatMap(({ ignored }) => ignored).filter((key) => key.includes(".base_layer."));
  if (keys.length === 0) return [];
  const text = `${plural(keys.length, "tensor")} that ${keys.length === 1 ? "copies" : "copy"} the base model's own (as ${keys[0]}) ${keys.length === 1 ? "is" : "are"} left out; if the base was changed before training (a larger vocabulary), keep that base.`;
  return [{ id: "base-copies-dropped", text }];
}
