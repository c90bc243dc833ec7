import type { Command } from "commander";
import { CONSUMER_IDS } from "../../adapter/consumers.ts";
import { FORMAT_IDS } from "../../convert/formats.ts";
import { AUTO } from "../../methods/auto.ts";

/** What a shell offers after a flag: words, files, or nothing that it could know. */
export type Values = readonly string[] | "files" | "unknown";

/** A flag of a command. */
export interface CompletedFlag {
  /** As it is typed: --method, -m. */
  readonly names: readonly string[];
  readonly help: string;
  /** null for a switch. */
  readonly values: Values | null;
}

/** A command that a shell completes. */
export interface CompletedCommand {
  readonly name: string;
  readonly help: string;
  readonly flags: readonly CompletedFlag[];
  /** What its arguments are. */
  readonly values: Values;
}

/** Makes a command, with the flags that these arguments give it. */
export type MakeCommand = (argv: readonly string[]) => Command | Promise<Command>;

/** Names of values that are paths. */
const PATHS = /^<(?:path|file|dir|model|adapter|adapter\.\.\.|folder|recipe)>$/;

/** All commands with all flags that they can have, from their own definitions. */
export async function completedCommands(makers: readonly MakeCommand[]): Promise<CompletedCommand[]> {
  const { METHODS } = await import("../../methods/registry.ts");
  const ids = METHODS.map(({ id }) => id);
  const words: Readonly<Record<string, readonly string[]>> = {
    method: [AUTO, ...ids],
    methods: ids,
    to: FORMAT_IDS,
    for: CONSUMER_IDS,
  };
  const commands: CompletedCommand[] = [];
  for (const make of makers) {
    const name = (await make([])).name();
    // A command takes its method's options only if the method is named.
    const ways = name === "merge" ? ids.map((id) => [name, "--method", id]) : [[name]];
    const flags = new Map<string, CompletedFlag>();
    let made = await make([name]);
    for (const way of ways) {
      made = await make(way);
      for (const option of made.createHelp().visibleOptions(made)) {
        const [value] = /<.+>$/.exec(option.flags) ?? [];
        flags.set(option.long!, {
          names: [option.long!, ...(option.short === undefined ? [] : [option.short])],
          help: option.description,
          values:
            value === undefined
              ? null
              : (option.argChoices ?? words[option.attributeName()] ?? (PATHS.test(value) ? "files" : "unknown")),
        });
      }
    }
    const [argument] = made.registeredArguments;
    const values = argument === undefined ? [] : (argument.argChoices ?? "files");
    commands.push({ name, help: made.description(), flags: [...flags.values()], values });
  }
  // Commander's own.
  const names = commands.map(({ name }) => name);
  return [...commands, { name: "help", help: "display help for a command", flags: [], values: names }];
}
