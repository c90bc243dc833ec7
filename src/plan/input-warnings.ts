import type { Adapter } from "../adapter/adapter.ts";
import { plural } from "../core/plural.ts";
import { isInBaseLayer } from "../formats/peft-folder/inner-keys.ts";
import type { Warning } from "./warning.ts";

/** Warnings about the inputs' contents, whatever is merged. */
export function inputWarnings(adapters: readonly Adapter[]): Warning[] {
  return [...adapters.flatMap(({ notices }) => notices), ...droppedCopies(adapters)];
}

function droppedCopies(adapters: readonly Adapter[]): Warning[] {
  const keys = adapters.flatMap(({ ignored }) => ignored).filter(isInBaseLayer);
  if (keys.length === 0) return [];
  const text = `${plural(keys.length, "tensor")} that ${keys.length === 1 ? "copies" : "copy"} the base model's own (such as ${keys[0]}) ${keys.length === 1 ? "is" : "are"} left out; if the base was changed before training (a larger vocabulary), keep that base.`;
  return [{ id: "base-copies-dropped", text }];
}
