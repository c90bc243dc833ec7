import { basename } from "node:path";
import { memorySource } from "../core/bytes.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { type Lane, localLane } from "../merge/lane.ts";
import { Merger } from "../merge/merger.ts";
import type { MergePlan } from "../merge/plan.ts";
import { openSink } from "./file-sink.ts";
import { type FileSource, openFile } from "./file-source.ts";
import { hashFiles } from "./hash.ts";
import type { InputFiles } from "./worker-protocol.ts";

/** A lane that reads and writes files by their paths. */
export interface DiskMerger {
  readonly lane: Lane;
  close(): void;
}

/** Open the inputs' files and the output file (which must exist at its full size) for one thread. */
export function openDiskMerger(kernels: Kernels, plan: MergePlan, inputs: InputFiles, output: string): DiskMerger {
  const sink = openSink(output);
  const opened: FileSource[] = [];
  const sources = inputs.map((files, t) =>
    files.map((file) => {
      if (typeof file !== "string") return memorySource(file.name, file.bytes);
      const source = openFile(file, `${plan.inputs[t]!.name}/${basename(file)}`);
      opened.push(source);
      return source;
    }),
  );
  const merger = new Merger(kernels, plan, sources, sink);
  return {
    lane: localLane(merger, async (input) => hashFiles(inputs[input]!.filter((file) => typeof file === "string"))),
    close() {
      for (const file of opened) file.close();
      sink.close();
    },
  };
}
