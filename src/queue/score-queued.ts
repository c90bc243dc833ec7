import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { VERSION } from "../core/version.ts";
import type { BenchHost, BenchResult } from "../evaluate/bench.ts";
import type { TaskRow } from "../evaluate/task-rows.ts";
import type { TuneHost } from "../evaluate/tune/tune.ts";
import { byTask } from "../node/evaluate/bench-host.ts";
import { type BenchOptions, benchChecked } from "../node/evaluate/run-bench.ts";
import { type Tuned, type TuneOptions, tuneChecked } from "../node/evaluate/run-tune.ts";
import { readText } from "../node/files/read-text.ts";
import { ensureFolder } from "../node/output/make-folder.ts";
import { OutputFile } from "../node/output/output-file.ts";
import { fetchHubAdapter } from "../node/remote/hub-adapters.ts";
import { recordedPath } from "../node/remote/remote-adapters.ts";
import type { LooseRecipe } from "../recipe/recipe.ts";
import { isHubPath } from "../remote/hub/hub-path.ts";
import { isRemotePath } from "../remote/remote-path.ts";
import { type Place, placeOf } from "./places.ts";
import { type OpenWork, Producer, type ProducerControl } from "./producer.ts";
import { refuseOtherScores } from "./refuse-result.ts";
import { contentId, decode, encode } from "./wire.ts";
import { type BenchJob, queueSchemas, type Scoring, type TuneDone, type TuneJob } from "./work.ts";

/** Parts of a benchmark and trials of a search that are under way at once. */
const LANES = 256;

type QueueControl = ProducerControl & { readonly url: string };

/** Run the benchmark that a file describes, merged and scored by the workers of a queue. @throws as `runBenchFile` */
export function benchQueued(file: string, options: BenchOptions, queue: QueueControl): Promise<BenchResult> {
  return Producer.with(queue.url, queue, async (producer) => {
    const result = await benchChecked(file, options, async ({ base, adapters, joint, rows, cache }, work) => {
      const sets = [...byTask(rows.test), ...byTask(rows.dev)].map(({ own }) => own);
      const others = joint === null ? [] : [joint];
      // One that prints its tables is known by its file and where it keeps its scores.
      const owner = `${resolve(file)} into ${resolve(options.out ?? cache)}`;
      const scoring = await scoringOf(owner, base, adapters, others, sets, queue.signal);
      return work(await queueBenchHost(producer, scoring, [...adapters, ...others], cache));
    });
    await producer.finish();
    return result;
  });
}

/** Search for the merge that does best, merged and scored by the workers of a queue. @throws as `tuneMerge` */
export function tuneQueued(paths: readonly string[], options: TuneOptions, queue: QueueControl): Promise<Tuned> {
  return Producer.with(queue.url, queue, async (producer) => {
    const tuned = await tuneChecked(paths, options, async ({ base, adapters, search, test, cache }, work) => {
      const sets = [search, test].filter(({ length }) => length > 0);
      const scoring = await scoringOf(resolve(options.out), base, adapters, [], sets, queue.signal);
      return work(await queueTuneHost(producer, scoring, cache));
    });
    await producer.finish();
    return tuned;
  });
}

async function scoringOf(
  owner: string,
  base: string,
  merged: readonly string[],
  others: readonly string[],
  rows: Scoring["rows"],
  signal: AbortSignal | undefined,
): Promise<Scoring> {
  const options = signal ? { signal } : {};
  const place = async (path: string): Promise<Place> => {
    // Its commit is known from then on.
    if (isHubPath(path)) await fetchHubAdapter(path, options);
    return placeOf(isRemotePath(path) ? recordedPath(path) : resolve(path), options);
  };
  const adapters: Place[] = [];
  for (const path of [...merged, ...others]) adapters.push(await place(path));
  return { version: VERSION, owner, base: await placeOf(resolve(base)), adapters, merged: merged.length, rows };
}

/** @param names what the benchmark calls the adapters */
async function queueBenchHost(
  producer: Producer,
  scoring: Scoring,
  names: readonly string[],
  cache: string,
): Promise<BenchHost> {
  const { results } = await queueSchemas();
  const open = await producer.open({ kind: "bench", ...scoring }, async ({ rows }: BenchJob, text) => {
    const scores = results.bench.parse(decode(String(text)));
    refuseOtherScores(scores, scoring.rows[rows]!);
    return scores;
  });
  const kept = keptResults(open, scoring, cache, results.bench);
  const setOf = setFinder(scoring.rows);
  const recipes = new Map<string, LooseRecipe>();
  return {
    lanes: LANES,
    async merge(recipe) {
      const name = `merge ${recipes.size}`;
      recipes.set(name, recipe as LooseRecipe);
      return name;
    },
    async score(adapter, scale, rows) {
      const scores = new Array<readonly number[]>(rows.length);
      const recipe = adapter === null ? undefined : recipes.get(adapter);
      const of = recipe !== undefined ? { recipe } : adapter === null ? null : { adapter: names.indexOf(adapter) };
      const scored = byTask(rows).map(async ({ own, places }) => {
        const what = recipe === undefined ? basename(adapter ?? "the base") : shownRecipe(recipe);
        const found = await kept(`${what} on ${own[0]!.task}`, { of, scale, rows: setOf(own) });
        for (const [i, row] of found.entries()) scores[places[i]!] = row;
      });
      await Promise.all(scored);
      return scores;
    },
  };
}

async function queueTuneHost(producer: Producer, scoring: Scoring, cache: string): Promise<TuneHost> {
  const { results } = await queueSchemas();
  const open = await producer.open({ kind: "tune", ...scoring }, async ({ rows }: TuneJob, text) => {
    const done = results.tune.parse(decode(String(text)));
    refuseOtherScores(done.scores, scoring.rows[rows]!);
    return done;
  });
  const kept = keptResults<TuneJob, TuneDone>(open, scoring, cache, results.tune);
  const setOf = setFinder(scoring.rows);
  return {
    lanes: LANES,
    trial: (recipe, rows) => kept(shownRecipe(recipe), { recipe, rows: setOf(rows) }),
  };
}

/** Results that the producer's own folder keeps too, by the content of all that they depend on. */
function keptResults<Data extends { readonly rows: number }, Result>(
  open: OpenWork<Data, Result>,
  scoring: Scoring,
  cache: string,
  schema: import("zod").ZodType<Result>,
): (name: string, data: Data) => Promise<Result> {
  const contentOf = ({ print, stamp }: Place): string[] => [print, stamp];
  const prints = [scoring.version, contentOf(scoring.base), scoring.adapters.map(contentOf), scoring.merged];
  return async (name, data) => {
    const file = join(cache, `${contentId(encode([prints, data, scoring.rows[data.rows]]))}.json`);
    if (existsSync(file)) {
      const known = schema.safeParse(decode(readText(file)));
      if (known.success) return known.data;
    }
    const result = await open.run(name, data);
    ensureFolder(cache);
    OutputFile.write(file, encode(result), { inputs: [], force: true });
    return result;
  };
}

/** Finds a set of rows among those of the work. */
function setFinder(sets: Scoring["rows"]): (rows: readonly TaskRow[]) => number {
  const known = new Map(sets.map((rows, i) => [encode(rows), i]));
  return (rows) => known.get(encode(rows))!;
}

function shownRecipe({ method, target }: LooseRecipe): string {
  const rank = target?.kind === "rank" ? ` at rank ${target.rank}` : "";
  return `${method ?? "auto"}${rank}`;
}
