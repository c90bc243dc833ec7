import { RefusedError } from "../core/errors.ts";
import type { Job } from "../lanes/lane.ts";
import { diskAdapters } from "../node/input/adapter-path.ts";
import { flush } from "../node/output/flush.ts";
import { inputFile } from "../node/threads/disk-host.ts";
import { planFrom } from "../plan/plan-origin.ts";
import { isRemotePath } from "../remote/remote-path.ts";
import type { Desk } from "./desk.ts";
import { strayJob } from "./desk.ts";
import type { LanePool } from "./lane-pool.ts";
import type { Roots } from "./roots.ts";
import { decode, encode } from "./wire.ts";
import { type MergeDone, type MergeWork, queueSchemas } from "./work.ts";
import { fileOf, isOwnFile, planId, writtenBy } from "./written-parts.ts";

/**
 * Open the inputs of a merge and make its plan again, which must be the producer's.
 *
 * @throws RefusedError for inputs that are not here or not the same, and for an output that is not shared; what opening and planning throw
 */
export async function openMergeDesk(work: MergeWork, roots: Roots, lanes: LanePool): Promise<Desk> {
  for (const place of work.inputs) await roots.check(place);
  if (work.folder !== null) roots.checkPath(work.folder);
  const { baseConfig, stream, origin } = work;
  const paths = work.inputs.map(({ path }) => path);
  const opened = await diskAdapters(paths, { baseConfig, stream, settings: roots.settings });
  try {
    for (const { files } of opened.filter((_, t) => !isRemotePath(paths[t]!))) {
      for (const file of files) roots.checkPath(file.path);
    }
    const adapters = opened.map(({ adapter }) => adapter);
    const plan = planFrom(adapters, origin);
    if (planId(plan) !== work.plan) {
      throw new RefusedError("This machine plans the merge differently; install the producer's version and inputs.");
    }
    const output = work.folder === null ? null : fileOf(work.plan, work.folder);
    const checkOutput = (): void => {
      if (output !== null) checkShared(output, plan.size, roots);
    };
    checkOutput();
    const inputs = adapters.map(({ files }) => files.map(inputFile));
    const started = { plan, setup: { methodModule: null, inputs, output, traced: false } };
    const { jobs } = await queueSchemas();
    return {
      async run(text) {
        const job = jobs.merge.parse(decode(text));
        if (!hasJob(plan, job)) throw strayJob(text);
        checkOutput();
        const done = await lanes.run(started, job);
        if (output !== null) flush(output);
        const written = output === null ? null : await writtenBy(plan, job, output);
        return encode({ ...done, written } satisfies MergeDone);
      },
      async close() {
        await lanes.end(started);
        for (const adapter of opened) adapter.close();
      },
    };
  } catch (error) {
    for (const adapter of opened) adapter.close();
    throw error;
  }
}

/** @throws RefusedError if the producer's file is not here, or its name leads elsewhere */
function checkShared(file: string, size: number, roots: Roots): void {
  roots.checkPath(file);
  if (isOwnFile(file, size)) return;
  throw new RefusedError(`There is no ${file} of ${size} bytes here; mount the producer's folder at the same path.`);
}

function hasJob({ modules, extras, inputs }: ReturnType<typeof planFrom>, job: Job): boolean {
  if (job.kind === "hash") return job.input < inputs.length;
  if (job.kind === "extra") return job.index < extras.length;
  const indices = job.kind === "survey" ? [job.index] : job.indices;
  return indices.every((index) => index < modules.length);
}
