import { Command, CommanderError, Help, type HelpConfiguration } from "commander";
import { VERSION } from "../core/version.ts";
import { auditCommand } from "./audit.ts";
import { benchCommand } from "./bench.ts";
import { checkCommand } from "./check.ts";
import { compareCommand } from "./compare.ts";
import type { MakeCommand } from "./completion/completed.ts";
import { completionCommand } from "./completion.ts";
import { convertCommand } from "./convert.ts";
import { evalCommand } from "./eval.ts";
import { extractCommand } from "./extract.ts";
import { fuseCommand } from "./fuse.ts";
import { inspectCommand } from "./inspect.ts";
import { mergeCommand } from "./merge.ts";
import { methodsCommand } from "./methods.ts";
import { pruneCommand, resizeCommand } from "./prune.ts";
import { pushCommand } from "./push.ts";
import { runCommand } from "./run.ts";
import { setupCommand } from "./setup.ts";
import { writeLines } from "./terminal.ts";
import { tuneCommand } from "./tune.ts";
import { uiCommand } from "./ui.ts";
import { verifyCommand } from "./verify.ts";
import { workerCommand } from "./worker.ts";

const EXAMPLES = `
Examples:
  lora-lego merge math/ med/ finance/ --out merged
  lora-lego run recipe.yaml
  lora-lego prune math/ --keep 0.5 --out math-half
  lora-lego audit math/ med/ finance/
  lora-lego inspect math/
  lora-lego compare math/ med/ finance/ --methods lego,ties,svd
  lora-lego convert merged/ --to gguf --base-config base/config.json --out merged.gguf
  lora-lego check merged/ --for vllm
  lora-lego ui math/ med/
  lora-lego eval --base base.gguf --adapter merged/ --tasks tasks.jsonl
  lora-lego tune math/ med/ --base base.gguf --tasks dev.jsonl --out tuned

Exit status: 0 done, 1 failed or refused, 2 wrong usage (a path where nothing is, too), 130 interrupted.`;

/** Most columns of a flag in a list of flags; the words about a longer one stand below it. */
const MOST_FLAG = 30;

/** Help in lines of a page, however long a flag is. */
const HELP: HelpConfiguration = {
  padWidth: (command, helper) => Math.min(MOST_FLAG, Help.prototype.padWidth(command, helper)),
  formatItem(term, termWidth, description, helper) {
    if (helper.displayWidth(term) <= termWidth) {
      return Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
    }
    const below = Help.prototype.formatItem.call(helper, "", termWidth, description, helper);
    return `  ${term}\n${below}`;
  },
};

/** Every command, in the order of --help. */
const COMMANDS: readonly MakeCommand[] = [
  mergeCommand,
  runCommand,
  pruneCommand,
  resizeCommand,
  auditCommand,
  compareCommand,
  inspectCommand,
  checkCommand,
  convertCommand,
  fuseCommand,
  extractCommand,
  evalCommand,
  benchCommand,
  tuneCommand,
  workerCommand,
  verifyCommand,
  methodsCommand,
  pushCommand,
  uiCommand,
  setupCommand,
  () => completionCommand(COMMANDS),
];

/** Run the command that the arguments name. @returns the exit status if parsing ends the run, else null */
export async function runProgram(argv: readonly string[]): Promise<number | null> {
  const program = new Command("lora-lego")
    .description("Merge LoRA adapters without the base model, Python or a GPU.")
    .version(VERSION)
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .configureHelp(HELP)
    .configureOutput({
      writeOut: (text) => writeLines(process.stdout, text),
      writeErr: (text) => writeLines(process.stderr, text),
    })
    .showSuggestionAfterError();

  try {
    for (const make of COMMANDS) {
      program.addCommand((await make(argv)).exitOverride().showSuggestionAfterError().copyInheritedSettings(program));
    }
    const known = program.commands.map((command) => command.name());
    const asked = helpAskedOf(argv);
    // The help of an unknown command is no help: parsing its name alone suggests the one that was meant.
    const unknown = asked !== null && asked !== "help" && !known.includes(asked);
    await program.parseAsync(unknown ? [asked] : [...argv], { from: "user" });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
}

/** The command of which the arguments ask for help; null if they ask for none, or for that of the program. */
function helpAskedOf([first, ...others]: readonly string[]): string | null {
  if (first === undefined || first.startsWith("-")) return null;
  if (first === "help") return others[0] === undefined || others[0].startsWith("-") ? null : others[0];
  return others.some((word) => word === "--help" || word === "-h") ? first : null;
}
