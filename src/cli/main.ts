#!/usr/bin/env node
import { OutputError } from "../core/errors.ts";
import { reportFailure } from "./failure.ts";

for (const [name, stream] of [
  ["Standard output", process.stdout],
  ["Standard error", process.stderr],
] as const) {
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    // The reader of our output may stop early (| head); the merge still finishes.
    if (code === "EPIPE") return;
    const text = `${name} cannot be written (${code}), so what it would have said is lost; a result is whole, since it is written first.`;
    process.exitCode = reportFailure(new OutputError(text));
  });
}

// Everything else is loaded here, so that a failure to load it is reported as a message too.
try {
  const { runProgram } = await import("./program.ts");
  process.exitCode = (await runProgram(process.argv.slice(2))) ?? process.exitCode ?? 0;
} catch (error) {
  process.exitCode = reportFailure(error);
}
