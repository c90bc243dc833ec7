import { shellPath, shellWord } from "../../core/shell-word.ts";
import { T5 } from "../../families/text-encoders.ts";
import type { Adapter } from "../adapter.ts";
import { placeOf } from "../weights/whole.ts";

/** The modules of T5, as a pattern. */
export const OF_T5 = "text_encoder_3.**";

/** Whether a module, by its name, belongs to a T5 text encoder. */
export function isOfT5(module: string): boolean {
  return /^text_encoder/.test(module) && placeOf(T5, module) !== null;
}

/** How to leave the modules of T5 out of an adapter that diffusers is to load: the command, or the flag where it is still to be merged. */
export function withoutT5({ files }: Pick<Adapter, "files">): string {
  const [file] = files;
  if (file === undefined || !("path" in file)) return `leave it out with --exclude ${shellWord(OF_T5)}`;
  const path = String(file.path);
  const out = `${path
    .split("/")
    .at(-1)!
    .replace(/\.\w+$/, "")}-diffusers.safetensors`;
  return `leave it out with lora-lego merge ${shellPath(path)} --method cat --exclude ${shellWord(OF_T5)} --to diffusers --out ${shellPath(out)}`;
}
