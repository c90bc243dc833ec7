import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { basename, join } from "node:path";
import type { Range } from "../formats/peft-folder/places.ts";
import type { Job } from "../lanes/lane.ts";
import { openFile } from "../node/files/file-source.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import { contentId, encode } from "./wire.ts";

const PIECE_BYTES = 1 << 20;

/** The name of a plan by its content, without the sentence that says how it was chosen. */
export function planId({ chosen: _, ...plan }: MergePlan): string {
  return contentId(encode(plan));
}

/** The file of a plan's output in the folder that workers and producer share. @param id of the plan */
export function fileOf(id: string, folder: string): string {
  return join(folder, `${id}.safetensors`);
}

/** Whether there is a file of this size, and no link to one: what is written into a link lands elsewhere. */
export function isOwnFile(file: string, size: number): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size === size;
}

/** SHA-256 of what a job wrote into the output, read anew; null for a job that writes nothing. */
export async function writtenBy(plan: MergePlan, job: Job, file: string): Promise<string | null> {
  const ranges = rangesOf(plan, job);
  if (ranges.length === 0) return null;
  const hash = createHash("sha256");
  const source = openFile(file, basename(file));
  try {
    for (const { begin, end } of ranges) {
      for (let at = begin; at < end; at += PIECE_BYTES) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
        await source.read(at, piece);
        hash.update(piece);
      }
    }
  } finally {
    source.close();
  }
  return hash.digest("hex");
}

/** Where a job writes. */
function rangesOf(plan: MergePlan, job: Job): Range[] {
  if (job.kind === "extra") return [plan.extras[job.index]!];
  if (job.kind !== "modules") return [];
  const ranges = job.indices.flatMap((index) => [plan.modules[index]!.a, plan.modules[index]!.b]);
  // Experts share a tensor B.
  return [...new Map(ranges.map((range) => [range.begin, range])).values()];
}
