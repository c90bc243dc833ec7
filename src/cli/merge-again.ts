import { existsSync } from "node:fs";
import type { Command } from "commander";
import { kebab } from "../core/kebab.ts";
import { shellPath, shellWord } from "../core/shell-word.ts";
import type { Fix } from "../plan/warning.ts";
import { RANK_FIELDS } from "../recipe/recipe-fields.ts";
import type { SaidFlags } from "./said-flags.ts";

/** Flags of one run alone. */
const OF_THE_RUN = ["out", "report", "force", "json", "quiet", "dryRun"];
/** Flags that go with a method, besides its options. */
const WITH_METHOD = ["method", "preset", "scale"];

/** The command lines of a merge with changes, to copy. Each writes to a place of its own. */
export function mergeAgain(
  command: Command,
  said: SaidFlags,
  paths: readonly string[],
  out: string,
  ofMethod: readonly string[],
): (fix: Fix) => string {
  const taken = new Set([out]);
  return ({ why: _, options = {}, ...fields }) => {
    const names = [...Object.keys(fields), ...Object.keys(options)];
    const without = new Set([
      ...OF_THE_RUN,
      ...names,
      ...(fields.rank === undefined ? [] : RANK_FIELDS),
      ...(fields.method === undefined ? [] : [...WITH_METHOD, ...ofMethod]),
    ]);
    const flags = Object.entries({ ...fields, ...options }).flatMap(([name, value]) => [
      `--${kebab(name)}`,
      shellWord(String(value)),
    ]);
    const words = [...paths.map(shellPath), ...said.words(without), ...flags];
    return `lora-lego ${command.name()} ${words.join(" ")} --out ${shellPath(freeName(out, taken))}`;
  };
}

/** The output's name with the first number that no file has yet. */
function freeName(out: string, taken: Set<string>): string {
  const [end] = /\.(?:safetensors|gguf)$/.exec(out) ?? [""];
  const stem = out.slice(0, out.length - end.length).replace(/\/+$/, "");
  for (let number = 2; ; number++) {
    const name = `${stem}-${number}${end}`;
    if (taken.has(name) || existsSync(name)) continue;
    taken.add(name);
    return name;
  }
}
