import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../../src/core/version.ts";
import type { TaskRow } from "../../src/evaluate/task-rows.ts";
import type { LlamaModule } from "../../src/node/evaluate/llama.ts";
import { runBenchFile } from "../../src/node/evaluate/run-bench.ts";
import { tuneMerge } from "../../src/node/evaluate/run-tune.ts";
import { Board, queueName } from "../../src/queue/board.ts";
import { reachQueue } from "../../src/queue/bull.ts";
import { placeOf } from "../../src/queue/places.ts";
import { benchQueued, tuneQueued } from "../../src/queue/score-queued.ts";
import { encode } from "../../src/queue/wire.ts";
import { fakeLlama } from "../support/fake-llama.ts";
import { tempFolder, writeAdapter } from "../support/pico.ts";
import { writePicoModel } from "../support/pico-model.ts";
import { builtWorker, HAS_REDIS, startRedis, type TestRedis } from "../support/redis.ts";

const runWorker = await builtWorker();
const folder = tempFolder();
const { base, layer } = writePicoModel(folder);
const paths = (
  [
    ["one", 1],
    ["two", 2],
  ] as const
).map(([name, b]) => writeAdapter(join(folder, name), { modules: { [layer]: { A: [[1, 1]], B: [[b]] } } }));
const rowsOf = (task: string, count: number): TaskRow[] =>
  Array.from({ length: count }, (_, i) => ({ task, prompt: `${task} ${i}`, choices: ["yes", "no"], answer: i % 2 }));

describe.runIf(HAS_REDIS)("scores over a queue", { timeout: 300_000 }, () => {
  let redis: TestRedis;
  const stop = new AbortController();
  let workers: Promise<void>[] = [];
  const contexts: number[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    const llama = fakeLlama(({ sequences }) => contexts.push(sequences));
    const onNotice = (): void => {};
    const common = { url: redis.url, roots: [folder], lanes: 2, cache: null, signal: stop.signal, llama, onNotice };
    workers = [0, 1, 2].map(() => runWorker(common));
  });
  afterAll(async () => {
    stop.abort();
    await Promise.all(workers);
    await redis.stop();
  });

  it("are those of a benchmark on one machine, and found again without the queue", async () => {
    const write = (file: string, rows: readonly TaskRow[]): void =>
      writeFileSync(join(folder, file), rows.map((row) => JSON.stringify(row)).join("\n"));
    write("dev.jsonl", rowsOf("one", 6));
    write("test.jsonl", [...rowsOf("one", 9), ...rowsOf("two", 9)]);
    const file = join(folder, "bench.yaml");
    writeFileSync(
      file,
      "base: base\ntasks: { dev: dev.jsonl, test: test.jsonl }\nadapters: [{ path: one, task: one }, { path: two, task: two }]\nmerges: [{ method: cat }, { method: average }]\nranks: [1, 2]\nscales: [0.5, 2]\n",
    );
    const alone = await runBenchFile(file, { cache: join(folder, "alone"), threads: 1, llama: fakeLlama() });
    const cache = join(folder, "queued");
    const done: number[] = [];
    const told = { cache, onProgress: (at: { readonly done: number }) => done.push(at.done) };
    expect(await benchQueued(file, told, { url: redis.url })).toEqual(alone);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const before = contexts.length;
    expect(readdirSync(cache).length).toBeGreaterThan(20);
    expect(await benchQueued(file, { cache }, { url: redis.url })).toEqual(alone);
    expect(contexts.length).toBe(before);
  });

  it("make a search find what it finds on one machine", async () => {
    const rows = [...rowsOf("weather", 9), ...rowsOf("news", 9)];
    const options = { base, rows, budget: 14, threads: 1, seed: 3 };
    const { merged: own, ...alone } = await tuneMerge(paths, {
      ...options,
      out: join(folder, "tuned-alone"),
      llama: fakeLlama(),
    });
    const out = join(folder, "tuned-queued");
    const { merged, ...queued } = await tuneQueued(paths, { ...options, out }, { url: redis.url });
    expect(queued).toEqual(alone);
    expect(merged.plan).toEqual(own.plan);
  });

  it("of two searches at once that differ only in their output are two works, found again by theirs", async () => {
    const quiet = await startRedis();
    const reached = await reachQueue(quiet.url);
    const board = new Board(reached.client);
    const stop = new AbortController();
    const rows = [...rowsOf("weather", 9), ...rowsOf("news", 9)];
    const search = (out: string, budget: number, signal = stop.signal): Promise<unknown> =>
      tuneQueued(paths, { base, rows, budget, signal, out: join(folder, out) }, { url: quiet.url, signal }).catch(
        () => "stopped",
      );
    const works = async (count: number): Promise<string[]> => {
      let known = await board.works();
      for (; known.length < count; known = await board.works()) await setTimeout(50);
      return known.sort();
    };
    const searches = [search("first", 4), search("second", 6)];
    const before = await works(2);
    stop.abort();
    expect(await Promise.all(searches)).toEqual(["stopped", "stopped"]);
    expect(before.length).toBe(2);
    const again = new AbortController();
    for (const id of before) await board.withdraw(id);
    const restarted = search("first", 4, again.signal);
    expect(before).toContain((await works(1))[0]);
    again.abort();
    await restarted;
    // An adapter that was written again is other work.
    for (const id of before) await board.withdraw(id);
    utimesSync(join(paths[0]!, "adapter_model.safetensors"), 1, 1);
    const touched = new AbortController();
    const anew = search("first", 4, touched.signal);
    expect(before).not.toContain((await works(1))[0]);
    touched.abort();
    await anew;
    await reached.close();
    await quiet.stop();
  });

  it("are left to others by a worker on which two jobs failed, so that it does not use up their tries", async () => {
    const own = await startRedis();
    const stop = new AbortController();
    let failed = 0;
    const llama = fakeLlama();
    const broken: LlamaModule = {
      getLlama: async () => {
        const { loadModel, ...rest } = await llama.getLlama({} as never);
        const tokenize = (): never => {
          failed++;
          throw new Error("the GPU is gone");
        };
        return { ...rest, loadModel: async (options) => ({ ...(await loadModel(options)), tokenize }) };
      },
    };
    const common = { url: own.url, roots: [folder], lanes: 1, cache: null, signal: stop.signal };
    let healthy: Promise<void> | null = null;
    const notices: string[] = [];
    const onNotice = (text: string): void => {
      notices.push(text);
      if (text.startsWith("Leaves")) healthy ??= runWorker({ ...common, llama: fakeLlama(), onNotice: () => {} });
    };
    const sick = runWorker({ ...common, llama: broken, onNotice });
    const options = { base, rows: rowsOf("weather", 9), budget: 12, threads: 1, out: join(folder, "tuned-beside") };
    const { trials } = await tuneQueued(paths, options, { url: own.url });
    expect([trials, failed]).toEqual([12, 2]);
    expect(notices.at(-1)).toBe("Leaves jobs to others: Its last 2 jobs failed (the GPU is gone); mend the cause.");
    stop.abort();
    await Promise.all([sick, healthy]);
    await own.stop();
  });

  it("are not begun by a worker that is told to end while it loads the model", async () => {
    const own = await startRedis();
    const reached = await reachQueue(own.url);
    const board = new Board(reached.client);
    const adapters = await Promise.all(paths.map((path) => placeOf(path)));
    const scoring = { version: VERSION, owner: "", base: await placeOf(base), adapters, merged: 2 };
    const id = await board.announce(encode({ kind: "tune", ...scoring, rows: [rowsOf("weather", 2)] }));
    const queue = new reached.bull.Queue(queueName(id), { connection: reached.connection });
    await queue.add("a trial", encode({ recipe: { method: "cat" }, rows: 0 }), { jobId: "one" });
    const stop = new AbortController();
    const llama = fakeLlama();
    const slow: LlamaModule = {
      getLlama: async (options) => {
        stop.abort();
        await setTimeout(500);
        return llama.getLlama(options);
      },
    };
    const place = { url: own.url, roots: [folder], lanes: 1, cache: null, signal: stop.signal, llama: slow };
    await runWorker({ ...place, onNotice: () => {} });
    await setTimeout(1000);
    expect([await queue.getWaitingCount(), await queue.getActiveCount()]).toEqual([1, 0]);
    await queue.close();
    await reached.close();
    await own.stop();
  });

  it.each([
    ["what it could not open", '{"kind":"tune"}', "It does not understand the description of the jobs."],
    ["why it could not load the model", null, "CUDA is out of memory"],
  ])("have a worker say %s", async (_, description, why) => {
    const quiet = await startRedis();
    const reached = await reachQueue(quiet.url);
    const board = new Board(reached.client);
    const adapters = await Promise.all(paths.map((path) => placeOf(path)));
    const scoring = { version: VERSION, owner: "", base: await placeOf(base), adapters, merged: 2 };
    await board.announce(description ?? encode({ kind: "tune", ...scoring, rows: [rowsOf("weather", 2)] }));
    const leaving = new AbortController();
    const notices: string[] = [];
    const llama: LlamaModule = {
      ...fakeLlama(),
      getLlama: async () => {
        throw new Error("CUDA is out of memory");
      },
    };
    const place = { url: quiet.url, roots: [folder], lanes: 1, cache: null, signal: leaving.signal, llama };
    const onNotice = (text: string): void => {
      notices.push(text);
      if (text.startsWith("Leaves")) leaving.abort();
    };
    await runWorker({ ...place, onNotice });
    expect(notices.at(-1)).toBe(`Leaves jobs to others: ${why}`);
    await reached.close();
    await quiet.stop();
  });

  it("are not asked of a worker that lacks the model", async () => {
    mkdirSync(join(folder, "elsewhere"));
    const leaving = new AbortController();
    const notices: string[] = [];
    const stranger = runWorker({
      url: redis.url,
      roots: [join(folder, "elsewhere")],
      lanes: 1,
      cache: null,
      signal: leaving.signal,
      llama: fakeLlama(),
      onNotice: (text) => {
        notices.push(text);
        if (text.startsWith("Leaves")) leaving.abort();
      },
    });
    const rows = rowsOf("sports", 4);
    const out = join(folder, "tuned-again");
    let [found, searches] = ["", 0];
    while (!leaving.signal.aborted) {
      await tuneQueued(paths, { base, rows, budget: 3, threads: 1, out: `${out}-${searches++}` }, { url: redis.url });
      found = notices.find((text) => text.startsWith("Leaves")) ?? "";
    }
    expect(found).toMatch(/^Leaves jobs to others: .*base is not below .*elsewhere; start the worker with --root/);
    await stranger;
  });
});
