#!/usr/bin/env node
import { reportFailure } from "./failure.ts";

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever reads our output may stop reading (| head): what is being merged is finished all the same.
    if (error.code !== "EPIPE") process.exitCode = reportFailure(Object.assign(error, { path: "The output" }));
  });
}

// All else is loaded here, so that what keeps it from being loaded is said in words too.
try {
  const { runProgram } = await import("./program.ts");
  process.exitCode = (await runProgram(process.argv.slice(2))) ?? process.exitCode ?? 0;
} catch (error) {
  process.exitCode = reportFailure(error);
}
