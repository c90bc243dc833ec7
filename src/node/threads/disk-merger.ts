import { basename } from "node:path";
import { fileOf } from "../../adapter/folder.ts";
import { memorySink, memorySource } from "../../core/bytes.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Clock } from "../../lanes/clock.ts";
import { type Lane, localLane } from "../../lanes/lane.ts";
import { Merger } from "../../lanes/merger.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { serverOf } from "../../remote/server-of.ts";
import { urlSource } from "../../remote/url-source.ts";
import { openFile } from "../files/file-source.ts";
import { hashFiles } from "../files/hash.ts";
import { openSink } from "../output/file-sink.ts";
import type { InputFile, InputFiles } from "./worker-protocol.ts";

/** A lane that opens its input and output files by path. */
export interface DiskMerger {
  readonly lane: Lane;
  close(): void;
}

/** SHA-256 of an input's weights on disk; for weights on the Hub the value that the Hub gives, or null if it gives none. */
async function hashOf(files: readonly InputFile[]): Promise<string | null> {
  const remote = files.flatMap((file) => (typeof file !== "string" && "remote" in file ? [file.remote] : []));
  if (remote.length > 0) return remote.length === 1 ? remote[0]!.sha256 : null;
  return hashFiles(files.filter((file) => typeof file === "string"));
}

/**
 * Open the inputs' files and the output file (which must exist at its full size; null if nothing is written) for one thread.
 *
 * @param clock books the lane's time
 */
export function openDiskMerger(
  kernels: Kernels,
  plan: MergePlan,
  inputs: InputFiles,
  output: string | null,
  clock: Clock,
): DiskMerger {
  const opened: { close(): void }[] = [];
  try {
    const sink = output === null ? null : openSink(output);
    if (sink !== null) opened.push(sink);
    const sources = inputs.map((files, t) =>
      files.map((file) => {
        if (typeof file !== "string") {
          if (!("remote" in file)) return memorySource(file.name, file.bytes);
          const access = { ...file, fetch };
          return urlSource(serverOf(access, file.remote), access, file.remote);
        }
        const source = openFile(file, fileOf(plan.inputs[t]!.name, basename(file)));
        opened.push(source);
        return source;
      }),
    );
    const merger = new Merger(kernels, plan, sources, sink ?? memorySink(0), clock);
    const lane = localLane(merger, (input) => hashOf(inputs[input]!));
    return { lane, close: () => closeAll(opened) };
  } catch (error) {
    closeAll(opened);
    throw error;
  }
}

function closeAll(opened: readonly { close(): void }[]): void {
  for (const file of opened) file.close();
}
