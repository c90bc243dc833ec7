import { shellPath } from "../../core/shell-word.ts";
import { WEIGHTS_FILE } from "../../formats/peft-folder/files.ts";

/** A command in a finding: what to do, and its flags, but not the adapter. */
const HALF = /lora-lego (convert|merge|resize)((?: --[a-z-]+(?: (?!--)[^\s,;()]+?)?)+)(?=[,;:.)]*(?:\s|$))/g;
/** A flag without its value, which only a person can choose: it says what to do and not how. */
const OPEN = /--(?:exclude|from-init|rank)(?: --|$)|--rank (?!\d)/;

/** An adapter that commands name. */
interface Named {
  /** As the user wrote it. */
  readonly path: string;
  /** Whether it is one of an image model, which alone is written as a .safetensors file. */
  readonly ofImages: boolean;
}

/**
 * A finding's text with the adapter and an output in its commands, so that they run as they are.
 *
 * @param free gives a path like another one where nothing is yet
 */
export function wholeCommands(text: string, named: Named, free: (path: string) => string): string {
  return text.replaceAll(HALF, (half: string, verb: string, flags: string) => {
    if (OPEN.test(flags)) return half;
    return `lora-lego ${verb} ${shellPath(named.path)}${flags} --out ${shellPath(free(outputOf(named, flags)))}`;
  });
}

/** What the output of a command is called, before a number that tells it from others. */
function outputOf({ path, ofImages }: Named, flags: string): string {
  const place = ofImages ? path : path.replace(new RegExp(`/${WEIGHTS_FILE}$`), "");
  const [, name] = /([^/]*)\/*$/.exec(place.replace(/@[^/]*$/, ""))!;
  const own = place.startsWith("hf://") ? name! : place.replace(/\/+$/, "");
  const [end] = /\.(?:safetensors|gguf)$/.exec(own) ?? [""];
  const [, to] = / --to (\S+)/.exec(flags) ?? [];
  const stem = own.slice(0, own.length - end.length);
  if (to === undefined) return ofImages || end === ".gguf" ? own : stem;
  return `${stem}${to === "gguf" ? ".gguf" : to === "kohya" || to === "diffusers" ? ".safetensors" : ""}`;
}
