import { availableParallelism } from "node:os";
import type { Adapter } from "../../adapter/adapter.ts";
import type { ByteSource, MemorySource } from "../../core/bytes.ts";
import { maximum } from "../../core/maximum.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { wasmKernels } from "../../kernels/wasm.ts";
import { affordableThreads } from "../../lanes/affordable-threads.ts";
import { Clock } from "../../lanes/clock.ts";
import type { Lane } from "../../lanes/lane.ts";
import type { MergeControl, MergeHost } from "../../merge/merge.ts";
import { moduleOf } from "../../methods/registry.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { RemoteSource } from "../../remote/url-source.ts";
import { type FileSource, openFile } from "../files/file-source.ts";
import { createFile, openSink } from "../output/file-sink.ts";
import { type DiskMerger, openDiskMerger } from "./disk-merger.ts";
import { workerLane } from "./worker-lane.ts";
import type { InputFile, WorkerSetup } from "./worker-protocol.ts";

/** Inputs below this many bytes merge on one thread in less time than starting a second one takes. */
const BYTES_WORTH_A_THREAD = 24e6;

/** How a merge runs on a machine. */
export interface MachineControl extends MergeControl {
  /**
   * Threads, including the caller's own. Default: all cores, or one for small inputs. Always one for a method registered without its
   * module.
   */
  readonly threads?: number;
}

/** A merge into a file of weights on this machine. */
export interface DiskPlace {
  readonly adapters: readonly Adapter[];
  /** The file to write. */
  readonly weights: string;
  /** The file of a draft, if the merge needs one. */
  readonly draft: string;
  /** Id of the method. */
  readonly method: string;
  readonly threads: number | undefined;
  /** Whether the inputs are hashed for the report. */
  readonly hashes: boolean;
  /** Whether lanes keep what they do when. */
  readonly traced: boolean;
  /** @throws OutputError where a plan's result, and more bytes beside it, have no room */
  checkRoom(plan: MergePlan, beside: number): Promise<void>;
}

/** Does work with a host for a merge into a place, and closes it. */
export type WithHost = <T>(place: DiskPlace, work: (host: MergeHost) => Promise<T>) => Promise<T>;

/** Begins a plan on some lanes, which write into the file of the setup. */
type BeginLanes = (plan: MergePlan, setup: WorkerSetup) => Lane[];
type Closers = (() => void | Promise<void>)[];

/**
 * Do work with a host that reads and writes this machine's files; what it opened is closed after it.
 *
 * @param lanes Default: one on this thread and, if the inputs are large enough, more on worker threads.
 */
export async function withDiskHost<T>(
  place: DiskPlace,
  work: (host: MergeHost) => Promise<T>,
  lanes?: BeginLanes,
): Promise<T> {
  const closers: Closers = [];
  const kernels = wasmKernels();
  const closeAll = async (): Promise<PromiseRejectedResult | undefined> => {
    // Close each once, even if another one fails.
    const closed = await Promise.allSettled(closers.map(async (close) => close()));
    return closed.find((each) => each.status === "rejected");
  };
  let result: T;
  try {
    result = await work(diskHost(place, { closers, kernels, begin: lanes ?? ownLanes(place, closers, kernels) }));
  } catch (error) {
    await closeAll();
    throw error;
  }
  const failed = await closeAll();
  if (failed !== undefined) throw failed.reason;
  return result;
}

function ownLanes({ adapters, method, threads }: DiskPlace, closers: Closers, kernels: Kernels): BeginLanes {
  // A method registered without a module exists on this thread only.
  const wanted = moduleOf(method) === null ? 1 : wantedThreads(adapters, threads);
  // Start workers now: this takes about as long as making the plan.
  const workers = Array.from({ length: wanted - 1 }, () => workerLane());
  let local: DiskMerger | null = null;
  closers.push(async () => {
    local?.close();
    await Promise.all(workers.map((worker) => worker.close()));
  });
  return (plan, setup) => {
    local?.close();
    local = openDiskMerger(kernels, plan, setup.inputs, setup.output, new Clock(setup.traced));
    const helpers = workers.slice(0, affordableThreads(wanted, plan.modules) - 1);
    for (const worker of helpers) worker.begin(plan, setup);
    return [local.lane, ...helpers];
  };
}

function diskHost(
  { adapters, weights, draft: draftFile, method, hashes, traced, checkRoom }: DiskPlace,
  { closers, kernels, begin }: { readonly closers: Closers; readonly kernels: Kernels; readonly begin: BeginLanes },
): MergeHost {
  const inputs = adapters.map(({ files }) => files.map(inputFile));
  const beginLanes = (plan: MergePlan, output: string | null) =>
    begin(plan, { methodModule: moduleOf(method) ?? null, inputs, output, traced });
  const beginFile = (plan: MergePlan, output: string) => {
    createFile(output, plan.size);
    const sink = openSink(output);
    closers.push(() => sink.close());
    return { sink, lanes: beginLanes(plan, output) };
  };
  return {
    hashes,
    kernels,
    survey: async (plan) => beginLanes(plan, null),
    async begin(plan) {
      await checkRoom(plan, 0);
      return beginFile(plan, weights);
    },
    async beginDraft(draft, output) {
      await checkRoom(output, draft.size);
      const begun = beginFile(draft, draftFile);
      const source = openFile(draftFile, "the draft");
      closers.push(() => source.close());
      return { ...begun, source };
    },
  };
}

/** As many threads as were asked for, or as the inputs are worth; no more than there are jobs. */
function wantedThreads(adapters: readonly Adapter[], threads: number | undefined): number {
  const bytes = adapters.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0);
  const jobs = maximum(adapters.map(({ modules }) => modules.size)) + adapters.length;
  const most = threads ?? Math.min(availableParallelism(), Math.ceil(bytes / BYTES_WORTH_A_THREAD));
  return Math.max(1, Math.min(most, jobs));
}

/** What a worker needs to open a file again. */
export function inputFile(source: ByteSource): InputFile {
  if ("remote" in source) {
    const { remote, access } = source as RemoteSource;
    return { remote, endpoint: access.endpoint, token: access.token };
  }
  if ("bytes" in source) return { name: source.name, bytes: (source as MemorySource).bytes };
  return (source as FileSource).path;
}
