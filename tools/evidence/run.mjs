/**
 * Measure what merges keep, and write docs/evidence.md and docs/evidence.json.
 *
 *   npm run evidence                 every study whose adapters are there (hours; goes on where it stopped)
 *   npm run evidence -- --quick      all methods at rank 6 on 300 rows, compared with the committed figures
 *   npm run evidence -- ID ...       only these studies, in this process; results stay in build/evidence
 *   npm run evidence -- --queue URL  score on the workers of a queue (docs/distributed.md), with any of the above
 *   npm run evidence -- --page       the page from what is in build/evidence, and from docs/evidence.json for other studies
 *   npm run evidence -- --real ...   on a pretrained model instead (real.mjs)
 *
 * Two processes at a time, each with one thread of llama.cpp; scores are kept in build/evidence/cache by content.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { runBenchFile } from "../../build/lib/node/evaluate/run-bench.js";
import { benchQueued } from "../../build/lib/queue/score-queued.js";
import { loadLlama } from "../../dist/node/evaluate.js";
import { costOf } from "./cost.mjs";
import { exactnessOf } from "./exactness.mjs";
import { mergeHeads } from "./heads.mjs";
import { measuredMethods, measuredRanks } from "./measured-methods.mjs";
import { addNoise } from "./noise.mjs";
import { evidencePage } from "./page.mjs";
import { evidencePlots } from "./plots.mjs";
import { puritiesOf } from "./purity.mjs";
import { runReal } from "./real.mjs";
import { adapterOf, FULL, inParts, QUICK, SEEN } from "./studies.mjs";

const PROCESSES = 2;
/** Accuracies of another machine may lie this far off, in points. */
const TOLERANCE = 0.3;
/** The quick studies, each in as many parts as there are processes. */
const QUICK_PARTS = new Map(QUICK.map((study) => [study.id, inParts(study, PROCESSES)]));
const root = fileURLToPath(new URL("../..", import.meta.url));
const build = join(root, "build/evidence");
const results = join(root, "docs/evidence.json");
mkdirSync(build, { recursive: true });

const args = process.argv.slice(2);
const queue = taken("--queue");
if (args.includes("--real")) await runReal(args.filter((arg) => arg !== "--real"));
else await runMade();

/** What this file's comment says, on minibench. */
async function runMade() {
  if (!args.includes("--page") && !existsSync(join(root, "test/llamacpp/node_modules"))) {
    spawnSync("npm", ["run", "setup:llama"], { cwd: root, stdio: "inherit" });
  }
  const ids = args.filter((arg) => !arg.startsWith("--"));
  if (ids.length > 0) for (const id of ids) await measure(id);
  else if (args.includes("--quick")) await checkQuick();
  else if (args.includes("--page")) writePage();
  else await runAll();
}

async function measure(id) {
  const study = [...FULL, ...QUICK, ...[...QUICK_PARTS.values()].flat()].find((each) => each.id === id);
  if (study === undefined) throw new Error(`There is no study ${id}.`);
  writeFileSync(join(build, `${id}.json`), JSON.stringify(await resultsOf(study)));
}

async function resultsOf({ id, config, limit, noise, heads, purity, exactness, cost, pairs }) {
  if (purity !== undefined) return puritiesOf(adaptersOf(...purity));
  if (cost !== undefined) return costOf(adaptersOf("llama", "all"), cost.merges, cost.ranks);
  const llama = await loadLlama(join(root, "test/llamacpp"));
  if (exactness !== undefined) return exactnessOf(exactness, llama);
  if (pairs !== undefined) return pairResults(id, pairs, limit, llama);
  if (noise !== undefined) {
    for (const [seed, task] of SEEN.entries()) {
      addNoise(adapterOf("llama", "all", task), join(noise.folder, task), noise.sigma, seed);
    }
  }
  if (heads !== undefined) {
    await mergeHeads(adaptersOf(heads.shape, "all"), { gauge: heads.gauge }, heads.rank, heads.folder);
  }
  return benchmark(id, config, limit, llama);
}

function benchmark(id, config, limit, llama) {
  const file = join(build, `${id}.yaml`);
  writeFileSync(file, stringify(config));
  const begun = performance.now();
  const options = {
    cache: join(build, "cache"),
    onProgress: ({ done, total }) => console.log(`${id}: ${done} of ${total}, ${seconds(begun)} s`),
    ...(limit !== undefined && { limit }),
  };
  if (queue !== null) return benchQueued(file, options, { url: queue, onNotice: console.log });
  return runBenchFile(file, { ...options, threads: 1, llama });
}

/** What each merge keeps of each pair: its average accuracy on the pair's own tasks. */
async function pairResults(id, pairs, limit, llama) {
  const found = [];
  for (const { tasks, config } of pairs) {
    const { merges } = await benchmark(`${id}-${tasks.join("-")}`, config, limit, llama);
    found.push({ tasks, seen: Object.fromEntries(merges.map(({ name, plain }) => [name, plain.seen])) });
  }
  return found;
}

async function runAll() {
  const studies = [...FULL, ...QUICK];
  const missing = studies.filter((study) => !hasAdapters(study)).map(({ id }) => id);
  if (missing.length > 0) {
    console.log(
      `Left out, as their adapters are not bundled: ${missing.join(", ")}; tools/minibench/build.py more llama (and gpt2) makes them. The page keeps the committed figures.`,
    );
  }
  const waiting = studies.map(({ id }) => id).filter((id) => !missing.includes(id));
  const lane = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await inProcess(id);
  };
  await Promise.all(Array.from({ length: PROCESSES }, lane));
  writePage();
}

/** Whether the adapters that a study takes are there; some are written when it runs. */
function hasAdapters({ config, noise, heads }) {
  const taken = (noise ?? heads) === undefined ? (config?.adapters ?? []) : [];
  return taken.every(({ path }) => existsSync(join(path, "adapter_config.json")));
}

function writePage() {
  const before = committed();
  const found = {};
  for (const { id } of [...FULL, ...QUICK]) {
    const own = existsSync(join(build, `${id}.json`)) ? resultOf(id) : before[id];
    if (own !== undefined) found[id] = own;
  }
  writeFileSync(results, `${JSON.stringify(found)}\n`);
  writeFileSync(join(root, "src/analysis/measured-methods.ts"), measuredMethods(found));
  writeFileSync(join(root, "src/analysis/measured-ranks.ts"), measuredRanks(found));
  for (const [name, svg] of Object.entries(evidencePlots(found))) writeFileSync(join(root, "docs", name), svg);
  const words = readFileSync(new URL("words.md", import.meta.url), "utf8");
  writeFileSync(join(root, "docs/evidence.md"), evidencePage(found, words));
  console.log("Wrote docs/evidence.md and docs/evidence.json.");
}

/** Take a flag and its value out of the arguments; null if it is not there. */
function taken(flag) {
  const at = args.indexOf(flag);
  return at < 0 ? null : args.splice(at, 2)[1];
}

/** Measure a study in a process of its own, which ends with its memory, or with this one. */
function inProcess(id) {
  return new Promise((resolve, reject) => {
    const words = [fileURLToPath(import.meta.url), id, ...(queue === null ? [] : ["--queue", queue])];
    const child = spawn(process.execPath, words, { stdio: "inherit" });
    const end = () => child.kill();
    process.once("exit", end);
    child.on("error", reject);
    child.on("exit", (code) => {
      process.off("exit", end);
      if (code === 0) resolve();
      else reject(new Error(`The study ${id} ended with ${code}.`));
    });
  });
}

async function checkQuick() {
  const begun = performance.now();
  const figures = committed();
  for (const { id } of QUICK) {
    const expected = figures[id];
    if (expected === undefined) throw new Error(`${results} has no figures of ${id}; run npm run evidence.`);
    const parts = QUICK_PARTS.get(id).map((part) => part.id);
    await Promise.all(parts.map(inProcess));
    const found = parts.flatMap((part) => resultOf(part).merges);
    for (const { name, rank, plain } of found) {
      const same = expected.merges.find((merge) => merge.name === name && merge.rank === rank);
      if (same === undefined)
        throw new Error(`${results} has no ${name} at rank ${rank} of ${id}; run npm run evidence.`);
      near(`${id}, ${name}`, plain.seen, same.plain.seen);
    }
    console.log(`${id}: ${found.length} merges as committed, within ${TOLERANCE} points, in ${seconds(begun)} s.`);
  }
}

function near(what, got, expected) {
  if (100 * Math.abs(got - expected) > TOLERANCE) {
    throw new Error(`${what}: ${(100 * got).toFixed(2)} % here, ${(100 * expected).toFixed(2)} % committed.`);
  }
}

function adaptersOf(shape, targets) {
  return SEEN.map((task) => adapterOf(shape, targets, task));
}

/** The committed results. */
function committed() {
  return existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : {};
}

function resultOf(id) {
  return JSON.parse(readFileSync(join(build, `${id}.json`), "utf8"));
}

function seconds(begun) {
  return Math.round((performance.now() - begun) / 1000);
}
