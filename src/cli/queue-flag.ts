import { type Command, InvalidArgumentError } from "commander";
import { UsageError } from "../core/errors.ts";
import type { ProducerControl, QueueStatus } from "../queue/producer.ts";
import { sayLine } from "./terminal.ts";

/** How often a line says how the jobs get on. */
const LINE_MS = 10_000;
/** How many workers a line names. */
const NAMED = 4;

/** Add `--queue`. */
export function addQueueOption(command: Command, needed = false): void {
  const flag = "--queue <url>";
  if (needed)
    command.requiredOption(flag, "Redis that holds the jobs: redis://host:6379, or rediss:// for TLS", parseUrl);
  else
    command.option(
      flag,
      "let lora-lego worker processes do the work, over the Redis at redis://host:6379 (docs/distributed.md)",
      parseUrl,
    );
}

/** @throws UsageError for threads of a machine that leaves the work to others */
export function refuseThreads({ queue, threads }: { readonly queue?: string; readonly threads?: number }): void {
  if (queue === undefined || threads === undefined) return;
  throw new UsageError("--threads does nothing with --queue; leave it out, and pass --lanes to lora-lego worker.");
}

/** What a producer tells on stderr: nothing but notices for `quiet`. */
export function queueControl(quiet: boolean, signal: AbortSignal): ProducerControl {
  let last = Date.now();
  const onStatus = (status: QueueStatus): void => {
    if (Date.now() - last < LINE_MS) return;
    last = Date.now();
    sayLine(statusLine(status));
  };
  return { signal, onNotice: (text) => sayLine(text), ...(!quiet && { onStatus }) };
}

/** "120 jobs done, 83 a minute, 104 to go; pc1:211 has layers.3.q_proj, and 2 more work". */
export function statusLine({ done, waiting, perMinute, handedOn, working }: QueueStatus): string {
  const named = working.slice(0, NAMED).map(({ worker, job }) => `${worker} has ${job}`);
  const more = working.length > NAMED ? [`and ${working.length - NAMED} more work`] : [];
  const who = working.length === 0 ? "nobody is at work" : [...named, ...more].join(", ");
  const lost = handedOn === 0 ? "" : `, ${handedOn} handed on after their worker went silent`;
  return `${done} jobs done, ${Math.round(perMinute)} a minute, ${waiting} to go${lost}; ${who}`;
}

function parseUrl(text: string): string {
  if (/^rediss?:\/\/[^/]/.test(text)) return text;
  throw new InvalidArgumentError("Expected redis://host:6379, or rediss:// for TLS.");
}
