import pc from "picocolors";
import { LoraLegoError, UsageError } from "../core/errors.ts";
import { printable } from "./printable.ts";
import { systemFailure } from "./system-failure.ts";

/** Say on stderr what went wrong. @returns the exit status: 1 failed or refused, 2 wrong usage, 130 interrupted */
export function reportFailure(error: unknown): number {
  if (error instanceof Error && error.name === "AbortError") {
    console.error("Interrupted; nothing was written.");
    return 130;
  }
  const text = error instanceof LoraLegoError ? error.message : systemFailure(error as Error);
  if (text !== null) {
    console.error(`${pc.red("error:")} ${printable(text)}`);
    return error instanceof UsageError ? 2 : 1;
  }
  console.error(`${pc.red("This is a bug in lora-lego:")} ${error instanceof Error ? error.stack : error}`);
  return 1;
}

/** Print warnings on stderr, one line each. */
export function printWarnings(warnings: readonly { readonly id: string; readonly text: string }[]): void {
  for (const { id, text } of warnings)
    console.error(`${pc.yellow("warning:")} ${printable(text)} ${pc.dim(`[${id}]`)}`);
}
