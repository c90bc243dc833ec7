/**
 * `npm run evidence -- --real`: what merges keep on a pretrained encoder and a language model, into docs/evidence-real.md and .json.
 *
 *   --real                 train what is missing, measure every study, write the page (many hours of one core; goes on where it stopped)
 *   --real ID ...          only these studies, of whichever base; results stay in build/realbench
 *   --real advice          what audit recommends for each set of adapters that is trained
 *   --real cost            processor time of merges of SmolLM2's adapters
 *   --real --page          the page from what is in build/realbench, and from docs/evidence-real.json for other studies
 *   --real --quick         three tasks, two methods, adapters of a short training, compared with the committed figures
 *   --glue DIR             a folder of GLUE's files instead of ../shared/corpus/glue
 *   REALBENCH_DEVICE=cuda  train and score on a GPU
 *
 * REALBENCH_PYTHON names a Python that has tools/realbench/requirements.txt; else they are installed into build/realbench/venv.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { runBench } from "../../build/lib/evaluate/bench.js";
import { parseBench } from "../../build/lib/evaluate/bench-file.js";
import { f1, greatest, matthews } from "../../build/lib/evaluate/metrics.js";
import { command, realPython } from "../realbench/python.mjs";
import { recommendations } from "./advice.mjs";
import { costOf } from "./cost.mjs";
import { realExactnessOf } from "./exactness.mjs";
import { addNoise } from "./noise.mjs";
import { puritiesOf } from "./purity.mjs";
import { writeReadme } from "./readme-table.mjs";
import { realHost, rowsOf, startScorer, startScript } from "./real-host.mjs";
import { realPage, realPlots } from "./real-page.mjs";
import { REAL, REAL_COST, REAL_QUICK, REAL_UNITS } from "./real-studies.mjs";

/** Accuracies after a training on another machine may lie this far off, in points. */
const TOLERANCE = 4;
/** What is recommended for each set of trained adapters. */
const ADVICE = { id: "advice" };
const ALL = [REAL_QUICK, ...REAL, ...REAL_UNITS, REAL_COST, ADVICE];
const PARAPHRASES = ["mrpc", "qqp"];
const root = fileURLToPath(new URL("../..", import.meta.url));
const build = join(root, "build/realbench");
const results = join(root, "docs/evidence-real.json");
const tool = (name) => join(root, "tools/realbench", name);

export async function runReal(args) {
  const at = args.indexOf("--glue");
  if (at >= 0) process.env.REALBENCH_GLUE = args[at + 1];
  const ids = args.filter((arg, i) => !arg.startsWith("--") && (at < 0 || i !== at + 1));
  mkdirSync(build, { recursive: true });
  if (args.includes("--page")) return writePage();
  if (args.includes("--quick")) return checkQuick();
  const unknown = ids.find((id) => !ALL.some((study) => study.id === id));
  if (unknown !== undefined) throw new Error(`There is no study ${unknown}.`);
  const python = realPython();
  const wanted = ({ id }) => ids.length === 0 || ids.includes(id);
  for (const model of ["minilm", "smollm2"]) {
    const studies = [REAL_QUICK, ...REAL].filter((study) => study.config.base === model && wanted(study));
    for (const study of REAL_UNITS.filter((each) => each.model === model && wanted(each))) await lookAt(python, study);
    if (studies.length === 0) continue;
    await withScorer(python, model, async (scorer) => {
      for (const study of studies) {
        const absent = study.config.tasks.test.find((task) => scorer.labels.test[task] === undefined);
        if (absent !== undefined) console.log(`${study.id} is left out: there are no rows of ${absent}.`);
        else {
          train(python, model, foldersOf(study));
          makeNoise(study);
          await measureInTurn(study, scorer);
        }
      }
    });
  }
  if (wanted(REAL_COST)) await lookAtCost(python, REAL_COST);
  if (wanted(ADVICE)) writeFileSync(join(build, `${ADVICE.id}.json`), JSON.stringify(await recommendations()));
  if (ids.length === 0) writePage();
}

/** @param work gets the scorer, with folders for merges (removed at the end) and for scores, and a count of its questions */
async function withScorer(python, model, work) {
  const scorer = await startScorer(python, model);
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-real-"));
  const counted = { ...scorer, merged: scratch, cache: join(build, "cache"), asked: 0 };
  counted.ask = (request) => {
    counted.asked++;
    return scorer.ask(request);
  };
  try {
    return await work(counted);
  } finally {
    scorer.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The adapters of a set, trained where they are missing. */
function trained(python, { model, set, tasks }) {
  const adapters = tasks.map((task) => join(set, task));
  train(python, model, adapters);
  return adapters;
}

/** The clusters of a set, and how far answers differ that must be the same. */
async function lookAt(python, study) {
  const adapters = trained(python, study);
  const { id, model, set, tasks } = study;
  const { ask, close } = startScript(python, "exact.py", model, set, ...tasks);
  try {
    const found = { purity: await puritiesOf(adapters), exactness: await realExactnessOf(adapters, ask) };
    writeFileSync(join(build, `${id}.json`), JSON.stringify(found));
  } finally {
    close();
  }
}

async function lookAtCost(python, study) {
  const found = await costOf(trained(python, study), study.merges, study.ranks);
  writeFileSync(join(build, `${study.id}.json`), JSON.stringify(found));
}

/** The folders of adapters that must have been trained. */
function foldersOf({ config: { adapters, joint }, noise }) {
  const trained = adapters.map(({ path, task }) => (noise === undefined ? path : join(noise.of, task)));
  return [...trained, ...(joint === undefined ? [] : [joint])];
}

/** Write the adapters of a study of noise, each from a seed of its own. */
function makeNoise({ config: { adapters }, noise }) {
  if (noise === undefined) return;
  for (const [seed, { path, task }] of adapters.entries()) addNoise(join(noise.of, task), path, noise.sigma, seed);
}

/** Train the adapters that are missing. */
function train(python, model, folders) {
  const missing = folders.filter((folder) => !existsSync(folder)).map((folder) => relative(join(build, model), folder));
  if (missing.length > 0) command(python, [tool("train.py"), "--model", model, ...missing]);
}

/** Measure the first merge, the first two, and so on, and keep what is new, so that a run can be stopped after any. */
async function measureInTurn(study, scorer) {
  const { id, config } = study;
  const begun = performance.now();
  for (const [i] of config.merges.entries()) {
    const before = scorer.asked;
    const result = await measure({ ...study, config: { ...config, merges: config.merges.slice(0, i + 1) } }, scorer);
    const all = i + 1 === config.merges.length;
    if (all || scorer.asked > before) writeFileSync(join(build, `${id}.json`), JSON.stringify(result));
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.log(`${id}: ${i + 1} of ${config.merges.length} merges, ${seconds} s`);
  }
}

/** The results of a benchmark, with the balanced scores and what `auto` chose beside each. @param scorer as `withScorer` gives it */
export async function measure({ id, heads, config }, scorer) {
  const bench = await parseBench(stringify(config), id);
  const [dev, test] = ["dev", "test"].map((part) => rowsOf(scorer.labels, part, config.tasks[part]));
  const paths = bench.adapters.map(({ path }) => path);
  const kept = { merged: scorer.merged, cache: scorer.cache };
  const host = realHost({ scorer, paths, heads, joint: bench.joint, ...kept });
  const answers = [new Map()];
  const chosen = [];
  const watched = {
    ...host,
    async merge(recipe) {
      const merged = await host.merge(recipe);
      answers.push(new Map());
      const { method, scale = 1 } = parse(readFileSync(join(merged, "recipe.yaml"), "utf8"));
      chosen.push({ method, factor: scale });
      return merged;
    },
    async score(adapter, scale, rows) {
      const scores = await host.score(adapter, scale, rows);
      if (rows === test) answers.at(-1).set(answers.length === 1 ? adapter : scale, scores.map(greatest));
      return scores;
    },
  };
  const result = await runBench(bench, { dev, test }, watched);
  const own = test.map(({ task }, i) => answers[0].get(join(heads, task))?.[i] ?? answers[0].get(null)[i]);
  return {
    ...result,
    base: { ...result.base, ...balanced(test, answers[0].get(null)) },
    own: { ...result.own, ...balanced(test, own) },
    majority: majorities(test),
    joint: bench.joint === null ? null : { ...result.joint, ...balanced(test, answers[0].get(bench.joint)) },
    merges: result.merges.map((merge, i) => ({
      ...merge,
      chosen: chosen[i],
      ...balanced(test, answers[i + 1].get(merge.searched?.scale ?? 1)),
    })),
  };
}

/** The Matthews correlation of every task, and F1 of the paraphrases of mrpc and qqp. */
function balanced(rows, given) {
  const found = { matthews: {}, f1: {} };
  for (const task of new Set(rows.map((row) => row.task))) {
    const places = rows.flatMap((row, i) => (row.task === task ? [i] : []));
    const [ours, right] = [places.map((i) => given[i]), places.map((i) => rows[i].answer)];
    found.matthews[task] = matthews(ours, right, 3);
    // f1 takes choice 0 for the positive one; here that is label 1.
    const turned = [ours, right].map((labels) => labels.map((label) => 1 - label));
    if (PARAPHRASES.includes(task)) found.f1[task] = f1(...turned) ?? 0;
  }
  return found;
}

/** For each task the share of its most frequent label. */
function majorities(rows) {
  const counts = {};
  for (const { task, answer } of rows) {
    counts[task] ??= [0, 0, 0];
    counts[task][answer]++;
  }
  const share = (of) => Math.max(...of) / of.reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(Object.entries(counts).map(([task, of]) => [task, share(of)]));
}

async function checkQuick() {
  const expected = committed().quick;
  if (expected === undefined) throw new Error(`${results} has no figures of quick; run npm run evidence -- --real.`);
  const missing = missingHere();
  if (missing !== null) return console.log(`The quick check on a pretrained model is skipped: ${missing}.`);
  const python = realPython();
  train(python, "minilm", foldersOf(REAL_QUICK));
  const found = await withScorer(python, "minilm", (scorer) => measure(REAL_QUICK, scorer));
  const pairs = [
    ["base", found.base.seen, expected.base.seen],
    ["own adapters", found.own.seen, expected.own.seen],
    ...found.merges.map(({ name, plain }, i) => [name, plain.seen, expected.merges[i].plain.seen]),
  ];
  for (const [name, got, wanted] of pairs) {
    const line = `${name}: ${(100 * got).toFixed(1)} % here, ${(100 * wanted).toFixed(1)} % committed`;
    if (100 * Math.abs(got - wanted) > TOLERANCE) throw new Error(`${line}.`);
    console.log(line);
  }
}

/** What keeps this machine from training and scoring; null for nothing. */
function missingHere() {
  const glue = process.env.REALBENCH_GLUE ?? join(root, "../shared/corpus/glue");
  if (!existsSync(glue)) return `there are no GLUE files in ${glue}; pass --glue DIR`;
  try {
    command(realPython(), [tool("fetch.py")]);
  } catch (error) {
    return `the packages could not be fetched (${error.message})`;
  }
  return null;
}

function writePage() {
  const before = committed();
  const found = {};
  for (const { id } of ALL) {
    const path = join(build, `${id}.json`);
    const own = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : before[id];
    if (own !== undefined) found[id] = own;
  }
  writeFileSync(results, `${JSON.stringify(found)}\n`);
  const [words, decoderWords] = ["real-words.md", "real-decoder.md"].map((name) =>
    readFileSync(new URL(name, import.meta.url), "utf8"),
  );
  writeFileSync(join(root, "docs/evidence-real.md"), realPage(found, words, decoderWords));
  for (const [name, svg] of Object.entries(realPlots(found))) writeFileSync(join(root, "docs", name), svg);
  writeReadme();
  console.log("Wrote docs/evidence-real.md, its plots, docs/evidence-real.json and the table of README.md.");
}

function committed() {
  return existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : {};
}
