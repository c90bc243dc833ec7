import { Argument, Command } from "commander";
import type { CompletedCommand, MakeCommand } from "./completion/completed.ts";
import { printLines } from "./terminal.ts";

/** The shells that have a script, and how it is made. */
const SCRIPTS: Readonly<Record<string, () => Promise<(commands: readonly CompletedCommand[]) => string>>> = {
  bash: async () => (await import("./completion/bash.ts")).bashCompletion,
  zsh: async () => (await import("./completion/zsh.ts")).zshCompletion,
  fish: async () => (await import("./completion/fish.ts")).fishCompletion,
};

/**
 * `lora-lego completion`: a script that lets a shell complete commands, flags and their values.
 *
 * @param makers of all commands
 */
export function completionCommand(makers: readonly MakeCommand[]): Command {
  return new Command("completion")
    .description("print a script that completes commands, flags and their values in a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      `
Examples:
  eval "$(lora-lego completion bash)"        # in ~/.bashrc
  eval "$(lora-lego completion zsh)"         # in ~/.zshrc, after compinit
  lora-lego completion fish | source         # in ~/.config/fish/config.fish`,
    )
    .action(async (shell: string) => {
      const { completedCommands } = await import("./completion/completed.ts");
      const script = await SCRIPTS[shell]!();
      printLines(
        script(await completedCommands(makers))
          .trimEnd()
          .split("\n"),
      );
    });
}
