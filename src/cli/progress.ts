import type { OnProgress } from "../lanes/lane.ts";
import { sayLine } from "./terminal.ts";

/** Progress of long work on stderr: a bar on a terminal, a line for each quarter elsewhere. */
export interface Progress {
  readonly onProgress: OnProgress;
  stop(): void;
}

/** Start showing progress; nothing for `quiet`. */
export async function showProgress(quiet: boolean, verb = "merging", noun = "modules"): Promise<Progress> {
  if (quiet) return { onProgress: () => {}, stop: () => {} };
  if (!process.stderr.isTTY) return lines(verb, noun);
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: `${verb} {bar} {value}/{total} ${noun}`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  });
  let started = false;
  return {
    onProgress({ done, total }) {
      if (!started) bar.start(total, 0);
      started = true;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

/** Files below this many bytes arrive too fast to report. */
const TOLD_BYTES = 1e6;

/** Report downloads from the Hub on stderr: a line for each quarter of a large file. */
export function showDownload(file: string, done: number, size: number): void {
  const quarter = Math.floor((4 * done) / size);
  if (size < TOLD_BYTES || quarters.get(file) === quarter) return;
  quarters.set(file, quarter);
  sayLine(`downloading ${file}: ${Math.round(done / 1e6)} of ${Math.round(size / 1e6)} MB`);
}

/** The quarter reported last, by file. */
const quarters = new Map<string, number>();

function lines(verb: string, noun: string): Progress {
  let quarter = 0;
  return {
    onProgress({ done, total }) {
      const reached = Math.floor((4 * done) / total);
      if (reached === quarter) return;
      quarter = reached;
      sayLine(`${verb}: ${done} of ${total} ${noun}`);
    },
    stop: () => {},
  };
}
