import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ByteSource } from "../core/bytes.ts";
import { QueueError, UsageError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { addTimings, noTimings } from "../lanes/clock.ts";
import type { Job, Lane } from "../lanes/lane.ts";
import type { MergeHost, OutputInProgress } from "../merge/merge.ts";
import { openFile } from "../node/files/file-source.ts";
import { readBaseConfig } from "../node/input/base-config.ts";
import { type Merged, type MergeOptions, mergeChecked } from "../node/merge-adapters.ts";
import { createFile, moveFile, openSink } from "../node/output/file-sink.ts";
import { ensureFolder } from "../node/output/make-folder.ts";
import { recordedPath } from "../node/remote/remote-adapters.ts";
import type { DiskPlace, WithHost } from "../node/threads/disk-host.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { PlanOrigin } from "../plan/plan-origin.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { isRemotePath } from "../remote/remote-path.ts";
import { type Place, placeOf } from "./places.ts";
import { Producer, type ProducerControl } from "./producer.ts";
import { refuseOtherResult } from "./refuse-result.ts";
import { decode } from "./wire.ts";
import { type MergeDone, type MergeWork, queueSchemas } from "./work.ts";
import { fileOf, isOwnFile, planId, writtenBy } from "./written-parts.ts";

const OWN_FILE = /^[0-9a-f]{64}\.safetensors$/;
/** All jobs of a plan wait in the queue at once. */
const IN_FLIGHT = 1 << 14;

/**
 * Merge adapters with the workers of a queue: the same bytes as on one machine. The workers write into `<out>.queue`, which they share
 * with the producer; it disappears once the output is complete.
 *
 * @throws what `mergeAdapters` throws; UsageError for `dora: bake`; QueueError for a job that was put aside
 */
export async function mergeQueued(
  paths: readonly string[],
  recipe: Recipe,
  options: MergeOptions,
  queue: ProducerControl & { readonly url: string },
): Promise<Merged> {
  if (recipe.dora === "bake") {
    throw new UsageError(
      "--dora bake reads the base model, which workers do not; leave --queue out, or pass --dora drop.",
    );
  }
  return Producer.with(queue.url, queue, async (producer) => {
    const folder = `${resolve(options.out)}.queue`;
    const baseConfig = readBaseConfig(options.baseConfig);
    const common = { owner: resolve(options.out), baseConfig, stream: options.stream ?? false, folder };
    const withHost: WithHost = async (place, work) => {
      const inputs = await Promise.all(
        paths.map((path) => placeOf(isRemotePath(path) ? recordedPath(path) : resolve(path), options)),
      );
      const closers: (() => void)[] = [];
      const files: string[] = [];
      try {
        const result = await work(queueHost(producer, place, { ...common, inputs }, { closers, files }));
        moveFile(files.at(-1)!, place.weights);
        return result;
      } finally {
        for (const close of closers) close();
      }
    };
    const merged = await mergeChecked(paths, recipe, options, { withHost });
    await producer.finish();
    removeShared(folder);
    return merged;
  });
}

/** What is left open, and the files that were written, in order. */
interface Begun {
  readonly closers: (() => void)[];
  readonly files: string[];
}

function queueHost(
  producer: Producer,
  { hashes, checkRoom }: DiskPlace,
  common: Pick<MergeWork, "owner" | "baseConfig" | "stream"> & {
    readonly folder: string;
    readonly inputs: readonly Place[];
  },
  { closers, files }: Begun,
): MergeHost {
  const laneOf = async (plan: MergePlan, origin: PlanOrigin, folder: string | null): Promise<Lane> => {
    const work: MergeWork = { kind: "merge", version: VERSION, ...common, origin, plan: planId(plan), folder };
    return queueLane(producer, work, plan, folder === null ? null : fileOf(planId(plan), folder));
  };
  const beginFile = async (plan: MergePlan, origin: PlanOrigin): Promise<OutputInProgress & { file: string }> => {
    const { folder } = common;
    const file = fileOf(planId(plan), folder);
    ensureFolder(folder);
    // What an earlier run left is gone on with.
    if (!isOwnFile(file, plan.size)) {
      rmSync(file, { force: true });
      createFile(file, plan.size);
    }
    files.push(file);
    const sink = openSink(file);
    closers.push(() => sink.close());
    return { file, sink, lanes: [await laneOf(plan, origin, folder)] };
  };
  return {
    hashes,
    kernels: wasmKernels(),
    survey: async (plan, origin) => [await laneOf(plan, origin, null)],
    async begin(plan, origin) {
      await checkRoom(plan, 0);
      return beginFile(plan, origin);
    },
    async beginDraft(draft, output, origin): Promise<OutputInProgress & { readonly source: ByteSource }> {
      await checkRoom(output, draft.size);
      const begun = await beginFile(draft, origin);
      const source = openFile(begun.file, "the draft");
      closers.push(() => source.close());
      return { ...begun, source };
    },
  };
}

/** All workers of a queue, as one lane. */
async function queueLane(producer: Producer, work: MergeWork, plan: MergePlan, file: string | null): Promise<Lane> {
  const { results } = await queueSchemas();
  const accept = async (job: Job, text: unknown): Promise<MergeDone> => {
    const done = results.merge.parse(decode(String(text)));
    refuseOtherResult(plan, job, done.result);
    const written = file === null ? null : await writtenBy(plan, job, file);
    if (written === done.written) return done;
    throw new QueueError(`but other bytes are in ${file}; let all machines share that folder.`);
  };
  // A pass may have no jobs at all.
  let open: ReturnType<typeof producer.open<Job, MergeDone>> | null = null;
  const timings = noTimings();
  return {
    depth: IN_FLIGHT,
    async run(job) {
      open ??= producer.open(work, accept);
      const done = await (await open).run(nameOf(job, plan), job);
      addTimings(timings, done.timings);
      return done.result;
    },
    timings: async () => timings,
  };
}

/** What people call a job. */
function nameOf(job: Job, plan: MergePlan): string {
  if (job.kind === "hash") return `the hash of ${plan.inputs[job.input]!.name}`;
  if (job.kind === "extra") return plan.extras[job.index]!.key;
  return plan.modules[job.kind === "survey" ? job.index : job.indices[0]!]!.name;
}

/** Remove what this and earlier plans of a merge left in the shared folder, and the folder if nothing else is in it. */
function removeShared(folder: string): void {
  const names = readdirSync(folder);
  const own = names.filter((name) => OWN_FILE.test(name));
  for (const name of own) rmSync(join(folder, name), { force: true });
  if (own.length === names.length) rmdirSync(folder);
}
