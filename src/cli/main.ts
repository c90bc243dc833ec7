#!/usr/bin/env node
import { reportFailure } from "./failure.ts";

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // The reader of our output may stop early (| head); the merge still finishes.
    if (error.code !== "EPIPE") process.exitCode = reportFailure(Object.assign(error, { path: "The output" }));
  });
}

// Everything else is loaded here, so that a failure to load it is reported as a message too.
try {
  const { runProgram } = await import("./program.ts");
  process.exitCode = (await runProgram(process.argv.slice(2))) ?? process.exitCode ?? 0;
} catch (error) {
  process.exitCode = reportFailure(error);
}
