/** docs/evidence-real.md out of the results of the studies on pretrained models. */
import { REAL } from "./real-studies.mjs";
import { SEEN } from "./studies.mjs";
import { best, factorTable, methodsTables, percent, ranksTable, table } from "./tables.mjs";

/** The sets of adapters, by the part of their studies. */
const KINDS = {
  all: "One seed, all linear modules",
  apart: "Seven seeds, all linear modules",
  qv: "One seed, query and value",
  mixed: "Ranks 2 to 32",
  seed1: "Another training seed",
  smollm2: "SmolLM2, one seed",
  "smollm2-apart": "SmolLM2, seven seeds",
};
/** Averages over seven tasks and two unseen ones of Llama-2-7b, as others report them of the paper. */
const PAPER = { average: 47.2, task_arithmetic: 54.8, ensemble: 56.8, ties_svd: 58.3, lego: 62.2 };

/** @param found results by the ids of the studies @param words the text before the tables */
export function realPage(found, words) {
  const part = (wanted) => REAL.filter((study) => study.part === wanted && found[study.id] !== undefined);
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
  const ids = REAL.map(({ id }) => id).filter((id) => found[id] === undefined);
  const missing = ids.filter((id) => !ids.includes(id.replace("-computed", "")) || !id.endsWith("-computed"));
  return [
    words.trim(),
    ...section("## The adapters", ...when((result) => adaptersTable(result, found))),
    ...section("## Every set", ...sets(...Object.keys(KINDS))),
    ...section("## Fewer adapters", ...sets("count", "apart-count")),
    ...section("## The rank of the result", ...part("ranks").map(({ id }) => ranksTable(found[id]))),
    ...section("## Other averages", ...when(averagesTable)),
    ...section("## The order in the paper", ...when(paperTable)),
    ...section("## Seven adapters", ...ranks.map(({ id }) => methodsTables(joined(id, found)))),
    ...section("## Two to five adapters", ...part("count").map(({ id }) => methodsTables(found[id]))),
    ...Object.keys(KINDS)
      .filter((kind) => kind !== "all")
      .flatMap((kind) => section(`## ${KINDS[kind]}`, ...part(kind).map(({ id }) => methodsTables(found[id])))),
    ...section("## Unseen tasks", ...part("unseen").map(({ id }) => methodsTables(found[id]))),
    ...section("## Not measured yet", ...(missing.length === 0 ? [] : [missing.map((id) => `- ${id}`).join("\n")])),
    "",
  ].join("\n\n");
}

/** A study with the merges of those that share its adapters and rank, whatever they were split for. */
function joined(id, found) {
  const first = found[id];
  const names = new Set(first.merges.map(({ name }) => name));
  const more = found[`${id}-rest`]?.merges.filter(({ name }) => !names.has(name)) ?? [];
  return { ...first, merges: [...first.merges, ...more] };
}

/** Each task with the base and with its own adapter, and how far either is from guessing. */
function adaptersTable(main, found) {
  const sets = Object.entries(KINDS).filter(([kind]) => kind !== "all" && found[`${kind}-6`] !== undefined);
  const others = [
    ...sets.map(([kind, title]) => [title.toLowerCase(), found[`${kind}-6`].own]),
    ...(found.joint === undefined ? [] : [["joint adapter", found.joint.joint]]),
  ];
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
  const titleOf = ({ part, config }) =>
    KINDS[part] === undefined
      ? `${config.adapters.length} adapters, ${part === "count" ? "one seed" : "as many seeds"}`
      : `${KINDS[part].toLowerCase()}, rank ${config.ranks[0]}`;
  const sets = there.map((study) => ({
    title: titleOf(study),
    computed: found[`${study.id}-computed`].merges,
    given: found[study.id].merges,
    bounds: { "base model": found[study.id].base, "own adapters": found[study.id].own },
  }));
  return [factorTable(sets)];
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

/** The methods that the paper reports, in its order. */
function paperTable({ ensemble, merges }) {
  const scored = Object.keys(PAPER).map((name) =>
    name === "ensemble" ? { plain: ensemble, searched: null } : merges.find((each) => each.name === name),
  );
  const place = (values, i) => `${1 + values.filter((value) => value > values[i]).length}`;
  const columns = { paper: Object.values(PAPER), "as merged": scored.map(({ plain }) => 100 * plain.seen) };
  if (scored.some(({ searched }) => searched !== null))
    columns["with a factor"] = scored.map((each) => 100 * best(each).seen);
  return table(
    ["place (mean, %)", ...Object.keys(columns)],
    Object.keys(PAPER).map((name, i) => [
      name,
      ...Object.values(columns).map((values) => `${place(values, i)} (${values[i].toFixed(1)})`),
    ]),
  );
}
