/** docs/evidence-real.md out of the results of the studies on pretrained models. */
import { basename } from "node:path";
import { adviceTables } from "./advice.mjs";
import { computedPlot } from "./plots.mjs";
import { REAL, REAL_COST, REAL_UNITS } from "./real-studies.mjs";
import { SEEN } from "./studies.mjs";
import {
  acrossTable,
  best,
  costTable,
  exactnessTable,
  factorTable,
  methodsTables,
  percent,
  pruneTable,
  purityTable,
  ranksTable,
  table,
} from "./tables.mjs";

/** The sets of adapters, by the part of their studies. */
const KINDS = {
  all: "One seed, all linear modules",
  apart: "Seven seeds, all linear modules",
  qv: "One seed, query and value",
  mixed: "Ranks 2 to 32",
  seed1: "Another training seed",
};
const MODELS = { minilm: "MiniLM", smollm2: "SmolLM2" };
/** The sets of the language model's adapters, the largest first. */
const DECODER = ["smollm2-6", "smollm2-count-4", "smollm2-count-3", "smollm2-count-2"];
/** Averages over seven tasks and two unseen ones of Llama-2-7b, as others report them of the paper. */
const PAPER = { average: 47.2, task_arithmetic: 54.8, ensemble: 56.8, ties_svd: 58.3, lego: 62.2 };

const COST =
  "Median processor time of five merges of the seven adapters of as many seeds, 210 modules each, on one core of an\nAMD EPYC (Zen 4), from opening the files to the written folder.";

/**
 * @param found results by the ids of the studies @param words the text before the tables of the encoder
 * @param decoderWords the text before those of the language model, which stand first
 */
export function realPage(found, words, decoderWords) {
  const part = (...wanted) => REAL.filter((study) => wanted.includes(study.part) && found[study.id] !== undefined);
  const ranks = part("all").filter(({ id }) => !id.endsWith("-rest"));
  const section = (title, ...texts) => (texts.length === 0 ? [] : [title, ...texts]);
  const main = ["all-6", "count-5", "count-4", "count-3"].find((id) => found[id] !== undefined);
  const whole = main === undefined ? undefined : joined(main, found);
  const when = (text) => (whole === undefined ? [] : [text(whole)]);
  const sets = (...parts) =>
    setsTables(
      parts.flatMap((each) => part(each)),
      found,
    );
  const looked = REAL_UNITS.filter(({ id }) => found[id] !== undefined);
  const missing = REAL.filter(({ id }) => !id.endsWith("-computed") || found[id.replace("-computed", "")] !== undefined)
    .map((study) => absent(study, found))
    .filter((line) => line !== null);
  const [opening, ...encoder] = words.trim().split("\n\n## ");
  return [
    opening,
    ...decoder(found, decoderWords),
    ...encoder.map((text) => `## ${text}`),
    ...section("## The adapters", ...when((result) => adaptersTable(result, othersOf(found)))),
    ...section("## Every set", ...plotOf("minilm", found), ...sets(...Object.keys(KINDS))),
    ...section("## Fewer adapters", ...sets("count", "apart-count")),
    ...section(
      "## The rank of the result",
      ...part("ranks", "unseen").flatMap((study) => [`**${ranksTitle(study)}**`, ranksTable(found[study.id])]),
    ),
    ...section("## What audit recommends", ...adviceTables(found, setTitle)),
    ...section("## Other averages", ...when(averagesTable)),
    ...section("## The order in the paper", ...(whole !== undefined && hasPaper(whole) ? [paperTable(whole)] : [])),
    ...section("## Seven adapters", ...ranks.map(({ id }) => methodsTables(joined(id, found)))),
    ...section("## Two to five adapters", ...part("count").map(({ id }) => methodsTables(found[id]))),
    ...Object.keys(KINDS)
      .filter((kind) => kind !== "all")
      .flatMap((kind) => section(`## ${KINDS[kind]}`, ...part(kind).map(({ id }) => methodsTables(found[id])))),
    ...section("## LEGO's options", ...optionsTables(part("options"), found)),
    ...section("## Pruning one adapter", ...pruneTables(part("prune"), found)),
    ...section("## Noise on the units", ...noiseTables(part("noise"), found)),
    ...section(
      "## What the clusters are made of",
      ...looked.flatMap((study) => [`### ${unitsTitle(study)}`, purityTable(found[study.id].purity)]),
    ),
    ...section(
      "## What must make no difference",
      ...looked.flatMap((study) => [`### Answers: ${unitsTitle(study)}`, exactnessTable(found[study.id].exactness)]),
    ),
    ...section(
      "## SmolLM2, task by task",
      ...part("smollm2").flatMap((study) => [`### ${titleOf(study)}`, methodsTables(found[study.id])]),
    ),
    ...section("## Not measured yet", ...(missing.length === 0 ? [] : [missing.join("\n")])),
    "",
  ].join("\n\n");
}

/** What each method keeps of the most adapters of either model that were merged with computed factors too, by the names of the files. */
export function realPlots(found) {
  const models = { minilm: ["all-6", "count-3"], smollm2: DECODER };
  return Object.fromEntries(
    Object.entries(models).flatMap(([model, ids]) => {
      // A study whose computed factors were measured with all of its merges.
      const id = ids.find((each) => found[`${each}-computed`]?.merges.length > found[each]?.merges.length);
      if (id === undefined) return [];
      const { adapters, ranks } = REAL.find((study) => study.id === id).config;
      const words = `What each method keeps of ${adapters.length} adapters of ${MODELS[model]} at rank ${ranks[0]}`;
      return [[`evidence-real-${model}.svg`, computedPlot(words, found[id], found[`${id}-computed`])]];
    }),
  );
}

function plotOf(model, found) {
  const file = `evidence-real-${model}.svg`;
  return realPlots(found)[file] === undefined
    ? []
    : [`![Accuracy of each method: hollow as merged, full with --scale auto](${file})`];
}

/** The section of the language model; nothing before its first merge. */
function decoder(found, words) {
  const there = REAL.filter(({ id, part }) => part === "smollm2" && found[id] !== undefined);
  if (there.length === 0) return [];
  const largest = (studies) =>
    studies.toSorted((p, q) => q.config.adapters.length - p.config.adapters.length).slice(0, 1);
  const section = (title, texts) => (texts.length === 0 ? [] : [`### ${title}`, ...texts]);
  const of = (studies, text) => studies.map(({ id }) => text(found[id]));
  const paperOf = ({ id }) => paperTable(found[id], found[`${id}-computed`]);
  const whole = largest(there);
  const cost = found[REAL_COST.id];
  return [
    words.trim(),
    ...section("The paper's methods on SmolLM2", largest(there.filter(({ id }) => hasPaper(found[id]))).map(paperOf)),
    ...section(
      "The adapters of SmolLM2",
      of(whole, (result) => adaptersTable(result)),
    ),
    ...section("Every method on SmolLM2", [...plotOf("smollm2", found), ...setsTables(there, found)]),
    ...section("Other averages on SmolLM2", of(whole, averagesTable)),
    ...section("What merges of SmolLM2 cost", cost === undefined ? [] : [COST, costTable(cost)]),
  ];
}

/** LEGO with each of its options, on each set. */
function optionsTables(studies, found) {
  return studies.length === 0 ? [] : [acrossTable(studies, found, titleOf)];
}

/** One adapter of MiniLM at a time. */
function pruneTables(studies, found) {
  return studies.length === 0 ? [] : [pruneTable(studies, found)];
}

/** Adapters with more and more noise, behind the same without it. */
function noiseTables(studies, found) {
  if (studies.length === 0) return [];
  const without = { id: "count-3", noise: { sigma: 0 } };
  const wanted = [...(found[without.id] === undefined ? [] : [without]), ...studies];
  return [acrossTable(wanted, found, ({ noise }) => `${noise.sigma} RMS`)];
}

/** What is not measured of a study, as an item of a list; null for nothing. */
function absent({ id, config }, found) {
  if (found[id] === undefined) return `- ${id}`;
  const done = (merge, rank) =>
    found[id].merges.some((each) => each.name === (merge.name ?? merge.method) && each.rank === rank);
  const ranksOf = ({ rank }) => (rank === undefined ? config.ranks : [rank]);
  const merges = config.merges.filter((merge) => !ranksOf(merge).every((rank) => done(merge, rank)));
  if (merges.length === 0) return null;
  // Names of all methods would be a line that no one reads.
  const names =
    merges.length > 10 ? `${merges.length} merges` : merges.map(({ name, method }) => name ?? method).join(", ");
  return `- ${id}: ${names}`;
}

/** A study with the merges of those that share its adapters and rank, whatever they were split for. */
function joined(id, found) {
  const first = found[id];
  const names = new Set(first.merges.map(({ name }) => name));
  const more = found[`${id}-rest`]?.merges.filter(({ name }) => !names.has(name)) ?? [];
  return { ...first, merges: [...first.merges, ...more] };
}

/** The scores of the other sets' adapters, by what the sets are called. */
function othersOf(found) {
  const sets = Object.entries(KINDS).filter(([kind]) => kind !== "all" && found[`${kind}-6`] !== undefined);
  return [
    ...sets.map(([kind, title]) => [title.toLowerCase(), found[`${kind}-6`].own]),
    ...(found.joint === undefined ? [] : [["joint adapter", found.joint.joint]]),
  ];
}

/** Each task with the base and with its own adapter, and how far either is from guessing. */
function adaptersTable(main, others = []) {
  const pair = (of) => [main.base, main.own].map((scores) => percent(of(scores))).join(" / ");
  return table(
    ["", "test rows", "most frequent label", "base / own adapter", "Matthews", "F1", ...others.map(([name]) => name)],
    tasksOf(main).map((task) => [
      task,
      main.own.tasks[task].rows,
      percent(main.majority[task]),
      pair(({ tasks }) => tasks[task].accuracy),
      pair(({ matthews }) => matthews[task]),
      task in main.own.f1 ? pair(({ f1 }) => f1[task]) : "",
      ...others.map(([, scores]) => percent(scores.tasks[task].accuracy)),
    ]),
  );
}

const tasksOf = ({ majority }) => Object.keys(majority).filter((task) => SEEN.includes(task));

/** The methods on each of these sets that was measured with computed factors too. */
function setsTables(studies, found) {
  const there = studies.filter(({ id }) => found[`${id}-computed`] !== undefined);
  if (there.length === 0) return [];
  const sets = there.map((study) => ({
    title: titleOf(study),
    computed: found[`${study.id}-computed`].merges,
    given: found[study.id].merges,
    bounds: { "base model": found[study.id].base, "own adapters": found[study.id].own },
  }));
  return [factorTable(sets)];
}

function titleOf({ part, heads, config }) {
  const rank = `rank ${config.ranks[0]}`;
  if (KINDS[part] !== undefined) return `${KINDS[part].toLowerCase()}, ${rank}`;
  const seeds = `${config.adapters.length} adapters, ${basename(heads) === "apart" ? "as many seeds" : "one seed"}`;
  return part === "smollm2" ? `${seeds}, ${rank}` : seeds;
}

function ranksTitle(study) {
  const how = study.config.merges.every(({ method, scale }) => method === "auto" || scale === "auto");
  return `${setTitle(study)}, ${how ? "`--scale auto`" : "as merged"}`;
}

/** A set of adapters, by one of its studies. */
function setTitle({ heads, config }) {
  const kind = KINDS[basename(heads)].toLowerCase();
  return `${MODELS[config.base]}, ${config.adapters.length} adapters, ${kind}`;
}

function unitsTitle({ model, set, tasks }) {
  return `${MODELS[model]}, ${tasks.length} adapters, ${basename(set) === "apart" ? "as many seeds" : "one seed"}`;
}

/** The tasks whose own adapter guesses: its Matthews correlation is below two standard deviations of guesses' own. */
function atChance({ own }, tasks) {
  return tasks.filter((task) => own.matthews[task] < 2 / Math.sqrt(own.tasks[task].rows));
}

/** Means over the tasks, with the factor of the dev rows. */
function averagesTable(result) {
  const tasks = tasksOf(result);
  const chance = atChance(result, tasks);
  const learnt = tasks.filter((task) => !chance.includes(task));
  const mean = (names, of) => names.reduce((sum, task) => sum + of(task), 0) / names.length;
  const at = (scores) => (task) => scores.tasks[task].accuracy;
  const [low, high] = [at(result.base), at(result.own)];
  const line = (name, scores) => [
    name,
    percent(mean(tasks, at(scores))),
    ...(chance.length === 0 ? [] : [percent(mean(learnt, at(scores)))]),
    percent(mean(tasks, (task) => scores.matthews[task])),
    percent(mean(learnt, (task) => (at(scores)(task) - low(task)) / (high(task) - low(task)))),
  ];
  const merges = [...result.merges].sort((p, q) => best(q).seen - best(p).seen);
  const without = chance.length === 0 ? "" : ` without ${chance.join(", ")}`;
  return table(
    [
      "%",
      "accuracy",
      ...(chance.length === 0 ? [] : [`accuracy${without}`]),
      "Matthews",
      `gain kept of each task${without}`,
    ],
    [
      line("base model", result.base),
      line("own adapters", result.own),
      ...merges.map((each) => line(each.name, { ...best(each), matthews: each.matthews })),
    ],
  );
}

function hasPaper({ merges }) {
  return Object.keys(PAPER).every((name) => name === "ensemble" || merges.some((merge) => merge.name === name));
}

/** The methods that the paper reports, in its order. @param computed the same merges with `--scale auto`, where they were measured */
function paperTable({ ensemble, merges }, computed = { merges: [] }) {
  const names = Object.keys(PAPER);
  const of = (from) =>
    names.map((name) =>
      name === "ensemble" ? { plain: ensemble, searched: null } : from.find((each) => each.name === name),
    );
  const shares = (from, scores) => of(from).map((each) => 100 * scores(each).seen);
  const columns = { paper: Object.values(PAPER), "as merged": shares(merges, ({ plain }) => plain) };
  if (hasPaper(computed)) columns["with --scale auto"] = shares(computed.merges, ({ plain }) => plain);
  if (of(merges).some(({ searched }) => searched !== null)) columns["with a factor"] = shares(merges, best);
  const place = (values, i) => `${1 + values.filter((value) => value > values[i]).length}`;
  return table(
    ["place (mean, %)", ...Object.keys(columns)],
    names.map((name, i) => [
      name,
      ...Object.values(columns).map((values) => `${place(values, i)} (${values[i].toFixed(1)})`),
    ]),
  );
}
