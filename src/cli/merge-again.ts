import type { Command } from "commander";
import { freeNames } from "../node/output/free-name.ts";
import type { MadeMerge } from "../report/fix-command.ts";
import type { SaidFlags } from "./said-flags.ts";

/** Flags of one run alone. */
const OF_THE_RUN = ["out", "report", "force", "json", "quiet", "dryRun"];

/** A merge by its command line, for the commands that mend it. */
export function mergeAgain(
  command: Command,
  said: SaidFlags,
  paths: readonly string[],
  out: string,
  ofMethod: readonly string[],
): MadeMerge {
  return {
    verb: command.name(),
    paths,
    out,
    ofMethod,
    words: (takes) => said.words((name) => !OF_THE_RUN.includes(name) && takes(name)),
    free: freeNames(),
  };
}
