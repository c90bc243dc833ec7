import type { Command, Option } from "commander";
import { shellWord } from "../core/shell-word.ts";

/** The flags of a command as the user wrote them. */
export class SaidFlags {
  readonly #said: { readonly option: Option; readonly text: string | undefined }[] = [];

  /** Listen to a command that has all its flags and is yet to be parsed. */
  constructor(command: Command) {
    for (const option of command.options) {
      command.on(`option:${option.name()}`, (text?: string | null) => {
        this.#said.push({ option, text: text ?? undefined });
      });
    }
  }

  /** The words of some flags, for a shell. @param takes whether the flag whose value has this name is one */
  words(takes: (name: string) => boolean): string[] {
    return this.#said
      .filter(({ option }) => takes(option.attributeName()))
      .flatMap(({ option, text }) => [option.long!, ...(text === undefined ? [] : [shellWord(text)])]);
  }
}
