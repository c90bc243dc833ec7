import type { OnProgress } from "../merge/lane.ts";

/** Progress of a merge on stderr: a bar on a terminal, a line for each quarter elsewhere. */
export interface Progress {
  readonly onProgress: OnProgress;
  stop(): void;
}

/** Start showing progress; nothing for `quiet`. */
export async function showProgress(quiet: boolean): Promise<Progress> {
  if (quiet) return { onProgress: () => {}, stop: () => {} };
  if (!process.stderr.isTTY) return lines();
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: "merging {bar} {value}/{total} modules",
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

function lines(): Progress {
  let quarter = 0;
  return {
    onProgress({ done, total }) {
      const reached = Math.floor((4 * done) / total);
      if (reached === quarter) return;
      quarter = reached;
      console.error(`merging: ${done} of ${total} modules`);
    },
    stop: () => {},
  };
}
