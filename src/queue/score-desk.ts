import { join } from "node:path";
import type { BenchHost } from "../evaluate/bench.ts";
import type { TuneHost } from "../evaluate/tune/tune.ts";
import { benchHost } from "../node/evaluate/bench-host.ts";
import { prepareBase } from "../node/evaluate/gguf-inputs.ts";
import { keptScores } from "../node/evaluate/kept-scores.ts";
import { type LlamaModule, loadLlama, loadModel } from "../node/evaluate/llama.ts";
import { tuneHost } from "../node/evaluate/tune-host.ts";
import { makeFolder } from "../node/output/make-folder.ts";
import { fetchWebAdapter } from "../node/remote/web-adapters.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { isWebPath } from "../remote/web/web-path.ts";
import { type Desk, strayJob } from "./desk.ts";
import type { LanePool } from "./lane-pool.ts";
import type { Roots } from "./roots.ts";
import { hostOnThreads } from "./thread-host.ts";
import { decode, encode } from "./wire.ts";
import { type BenchJob, type BenchWork, queueSchemas, type TuneJob, type TuneWork } from "./work.ts";

/** How a worker scores. */
export interface ScorePlace {
  /** The threads that merge. */
  readonly pool: LanePool;
  /** How many jobs it does at once. */
  readonly lanes: number;
  /** A folder that does not exist yet, for merges. */
  readonly scratch: string;
  /** Folder of finished scores. */
  readonly cache: string;
  readonly llama?: LlamaModule;
}

/** Where an adapter is read: one at an address in the cache, so that all jobs see the version that was checked. */
async function localPath(path: string, { settings }: Roots): Promise<string> {
  return isWebPath(path) ? fetchWebAdapter(path, { settings }) : path;
}

/** What merges and scores one job after the other. */
interface Bench {
  readonly bench: BenchHost;
  readonly tune: TuneHost;
  /** The recipe of its last merge, and what that is called. */
  recipe: string;
  merged: string;
}

/**
 * Load the model of some scoring.
 *
 * @throws RefusedError for a model or adapters that are not here or not the same; UsageError without llama.cpp; what loading throws
 */
export async function openScoreDesk(work: BenchWork | TuneWork, roots: Roots, place: ScorePlace): Promise<Desk> {
  const module = place.llama ?? (await loadLlama());
  for (const input of [work.base, ...work.adapters]) await roots.check(input);
  const { jobs } = await queueSchemas();
  const { scratch, lanes, cache, pool } = place;
  makeFolder(scratch);
  const base = await prepareBase(scratch, work.base.path);
  const { model, close } = await loadModel(module, base.model, lanes);
  const stop = new AbortController();
  // One thread for each job: many at once is what a queue is for.
  const kept = { model, cache, threads: 1, signal: stop.signal };
  const scoresOf = keptScores({ ...kept, file: base.model });
  const paths = await Promise.all(work.adapters.map(({ path }) => localPath(path, roots)));
  const inputs = paths.slice(0, work.merged);
  const benches = Array.from({ length: lanes }, (_, lane): Bench => {
    const own = join(scratch, `lane-${lane}`);
    makeFolder(own);
    const on = { ...kept, inputs, base, scratch: own, withHost: hostOnThreads(pool) };
    return { bench: benchHost(on, scoresOf), tune: tuneHost(on, scoresOf), recipe: "", merged: "" };
  });
  const running = new Set<Promise<unknown>>();

  const score = async (on: Bench, { of, scale, rows }: BenchJob): Promise<string> => {
    if (of === null) return encode(await on.bench.score(null, scale, work.rows[rows]!));
    if ("adapter" in of) return encode(await on.bench.score(paths[of.adapter]!, scale, work.rows[rows]!));
    const recipe = encode(of.recipe);
    if (on.recipe !== recipe) {
      on.recipe = "";
      on.merged = await on.bench.merge(of.recipe as Recipe);
      on.recipe = recipe;
    }
    return encode(await on.bench.score(on.merged, scale, work.rows[rows]!));
  };
  const trial = async (on: Bench, { recipe, rows }: TuneJob): Promise<string> =>
    encode(await on.tune.trial(recipe, work.rows[rows]!));
  const runOn = async (on: Bench, text: string): Promise<string> => {
    if (work.kind === "tune") {
      const job = jobs.tune.parse(decode(text));
      if (job.rows >= work.rows.length) throw strayJob(text);
      return trial(on, job);
    }
    const job = jobs.bench.parse(decode(text));
    const known = job.of === null || !("adapter" in job.of) || job.of.adapter < paths.length;
    if (job.rows >= work.rows.length || !known) throw strayJob(text);
    return score(on, job);
  };
  return {
    async run(text) {
      // A bench that has the merge of the job already saves making it again.
      const at = benches.findIndex(({ recipe }) => recipe !== "" && text.includes(recipe));
      const on = benches.splice(Math.max(0, at), 1)[0];
      if (on === undefined) throw new Error("more jobs came at once than there are lanes");
      const run = runOn(on, text).finally(() => benches.push(on));
      running.add(run);
      return run.finally(() => running.delete(run));
    },
    async close() {
      stop.abort();
      await Promise.allSettled(running);
      await close();
    },
  };
}
