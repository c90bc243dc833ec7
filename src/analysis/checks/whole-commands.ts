import { shellPath } from "../../core/shell-word.ts";

/** A command in a finding: what to do, and its flags, but not the adapter. */
const HALF = /lora-lego (convert|merge|resize)((?: --[a-z-]+(?: (?!--)[^\s,;()]+?)?)+)(?=[,;:.)]*(?:\s|$))/g;
/** A flag whose value only a person can choose, which says what to do and not how. */
const OPEN = /--exclude(?: --|$)/;

/**
 * A finding's text with the adapter and an output in its commands, so that they run as they are.
 *
 * @param path of the adapter, as the user wrote it
 * @param free gives a path like another one where nothing is yet
 */
export function wholeCommands(text: string, path: string, free: (path: string) => string): string {
  return text.replaceAll(HALF, (half: string, verb: string, flags: string) => {
    if (OPEN.test(flags)) return half;
    return `lora-lego ${verb} ${shellPath(path)}${flags} --out ${shellPath(free(outputOf(path, flags)))}`;
  });
}

/** What the output of a command is called, before a number that tells it from others. */
function outputOf(path: string, flags: string): string {
  const [, name] = /([^/]*)\/*$/.exec(path.replace(/@[^/]*$/, ""))!;
  const own = path.startsWith("hf://") ? name! : path.replace(/\/+$/, "");
  const [end] = /\.(?:safetensors|gguf)$/.exec(own) ?? [""];
  const [, to] = / --to (\S+)/.exec(flags) ?? [];
  const stem = own.slice(0, own.length - end.length);
  if (to === undefined) return own;
  return `${stem}${to === "gguf" ? ".gguf" : to === "kohya" || to === "diffusers" ? ".safetensors" : ""}`;
}
