import type { CompletedCommand, Values } from "./completed.ts";

/** A script for fish 3 and newer. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const line = (...words: readonly string[]): string => `complete -c lora-lego ${words.join(" ")}`;
  const lines = commands.flatMap(({ name, help, flags, values }) => {
    const within = `-n '__fish_seen_subcommand_from ${name}'`;
    return [
      line("-f", "-n __fish_use_subcommand", `-a ${name}`, `-d ${quoted(help)}`),
      ...(typeof values === "string" ? [] : [line("-f", within, `-a ${quoted(values.join(" "))}`)]),
      ...flags.map(({ names, help: what, values: own }) =>
        line(within, ...names.map(flagOf), ...wordsOf(own), `-d ${quoted(what)}`),
      ),
    ];
  });
  return `# Completion of lora-lego for fish: lora-lego completion fish | source\n${lines.join("\n")}\n`;
}

function flagOf(name: string): string {
  return name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
}

function wordsOf(values: Values | null): string[] {
  if (values === null) return [];
  if (values === "files") return ["-r", "-F"];
  return values === "unknown" ? ["-x"] : ["-x", `-a ${quoted(values.join(" "))}`];
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, String.raw`\$&`)}'`;
}
