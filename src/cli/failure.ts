import { LoraLegoError, UsageError } from "../core/errors.ts";
import { systemFailure } from "./system-failure.ts";
import { dim, red, sayLine, yellow } from "./terminal.ts";
import { InterruptedWork } from "./until-interrupted.ts";

/** Report on stderr what went wrong. @returns the exit status: 1 failed or refused, 2 wrong usage, 130 interrupted */
export function reportFailure(error: unknown): number {
  if (error instanceof Error && error.name === "AbortError") {
    sayLine(
      error instanceof InterruptedWork
        ? `Interrupted; the result was not written. What is done so far stays in ${error.stays}: the same command goes on from there, or delete the folder.`
        : "Interrupted; nothing was written.",
    );
    return 130;
  }
  const text = error instanceof LoraLegoError ? error.message : systemFailure(error as Error);
  if (text !== null) {
    sayLine(red("error:"), ` ${text}`);
    return error instanceof UsageError ? 2 : 1;
  }
  const [first, ...rest] = String(error instanceof Error ? error.stack : error).split("\n");
  sayLine(red("This is a bug in lora-lego:"), ` ${first}`);
  for (const line of rest) sayLine(line);
  return 1;
}

/** Print warnings on stderr, one line each. */
export function printWarnings(warnings: readonly { readonly id: string; readonly text: string }[]): void {
  for (const { id, text } of warnings) sayLine(yellow("warning:"), ` ${text} `, dim(`[${id}]`));
}

/** Warn of the program that an adapter is for. @param against why it does not load it; null if nothing is known against it */
export function warnAgainst(against: string | null): void {
  if (against !== null) printWarnings([{ id: "program", text: against }]);
}
