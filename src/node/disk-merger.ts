import { basename } from "node:path";
import type { Kernels } from "../kernels/kernels.ts";
import { type Lane, localLane } from "../merge/lane.ts";
import { Merger } from "../merge/merger.ts";
import type { MergePlan } from "../merge/plan.ts";
import { openSink } from "./file-sink.ts";
import { openFile } from "./file-source.ts";
import { hashFiles } from "./hash.ts";

/** A lane that reads and writes files by their paths. */
export interface DiskMerger {
  readonly lane: Lane;
  close(): void;
}

/** Open the inputs' files and the output file (which must exist at its full size) for one thread. */
export function openDiskMerger(
  kernels: Kernels,
  plan: MergePlan,
  inputs: readonly (readonly string[])[],
  output: string,
): DiskMerger {
  const sink = openSink(output);
  const files = inputs.map((paths, t) =>
    paths.map((path) => openFile(path, `${plan.inputs[t]!.name}/${basename(path)}`)),
  );
  const merger = new Merger(kernels, plan, files, sink);
  return {
    lane: localLane(merger, async (input) => hashFiles(inputs[input]!)),
    close() {
      for (const file of files.flat()) file.close();
      sink.close();
    },
  };
}
