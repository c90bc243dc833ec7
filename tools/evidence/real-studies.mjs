/** What `npm run evidence -- --real` measures: each study is one benchmark (docs/bench.md) on adapters that tools/realbench trains. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ABLATION, METHODS, PRUNED, SCALES, SEEN } from "./studies.mjs";

const UNSEEN = ["snli", "wnli"];
/** The folder of a set of adapters. */
const home = (model, kind) => fileURLToPath(new URL(`../../build/realbench/${model}/${kind}`, import.meta.url));

const nameOf = ({ name, method }) => name ?? method;
const named = (wanted) => METHODS.find((merge) => nameOf(merge) === wanted);

/** One or two methods of every family, for each set of adapters. */
const FEW = ["lego", "lego svd gauge", "average", "task_arithmetic", "ties_svd", "tsv", "iso_c", "ctm"].map(named);
/** The others, beside the merge that they are compared with. */
const REST = METHODS.filter((merge) => !FEW.includes(merge) || merge === named("lego"));

/** Merges with a factor computed from the adapters. */
const computed = (merges) => [
  { name: "auto", method: "auto" },
  ...merges.map((merge) => ({ name: nameOf(merge), ...merge, scale: "auto" })),
];

/** A benchmark of a set of adapters. */
function config(kind, { model = "minilm", tasks = SEEN, unseen = [], rank, merges, ...rest }) {
  return {
    base: model,
    tasks: { dev: tasks, test: [...tasks, ...unseen] },
    adapters: tasks.map((task) => ({ path: join(home(model, kind), task), task })),
    unseen,
    ranks: [rank].flat(),
    merges,
    ...rest,
  };
}

/** @param part the heading that the study's tables stand under */
const study = (id, part, kind, options) => ({
  id,
  part,
  heads: home(options.model ?? "minilm", kind),
  config: config(kind, options),
});

/** The methods as merged and with a searched factor, unless there are no `scales`, and those with a computed one. */
function pair(id, part, kind, merges, options) {
  return [
    study(id, part, kind, { scales: SCALES, ...options, merges }),
    study(`${id}-computed`, "factor", kind, { ...options, scales: [], merges: computed(merges) }),
  ];
}
/** Three adapters with noise on their factors, each scored with the head of the adapter without it. */
function noisy(sigma) {
  const of = study(`noise-${sigma}`, "noise", `noise-${sigma}`, { ...counted(3), merges: FEW, scales: SCALES });
  return { ...of, heads: home("minilm", "all"), noise: { sigma, of: home("minilm", "all") } };
}
const rest = (id, part, kind, options) => study(`${id}-rest`, part, kind, { ...options, merges: REST, scales: SCALES });

/** Which tasks are the first two to five. */
const ORDER = ["cola", "mnli", "mrpc", "qnli", "sst2"];
const counted = (count) => ({ rank: 6, tasks: ORDER.slice(0, count) });

/** What is merged at every rank, with computed factors, and scored on tasks that no adapter saw. */
const OVER_RANKS = ["lego", "average", "tsv", "ctm"].map(named);

/** Some merges at the rank of one adapter, of two, and at that of all units. */
const AT_RANKS = (count) => ({ rank: [6, 12, 6 * count], merges: ["lego", "average", "tsv"].map(named) });

/** What `auto` and LEGO make at a rank that `audit` recommends and no other study has. */
const advised = (id, kind, options) =>
  study(id, "advised", kind, { ...options, merges: [...computed([]), named("lego")] });

/** LEGO with each of its options, as merged. */
const options = (kind) => study(`options-${kind}`, "options", kind, { rank: 6, merges: ABLATION });

/** What is measured of the language model: the merges of the paper's table, then others. */
const ON_SMOLLM2 = [
  ...["lego", "average", "task_arithmetic", "ties_svd", "tsv", "ctm", "lego svd gauge", "iso_c", "ties", "linear"],
].map(named);
const smollm2 = (id, kind, options) =>
  pair(`smollm2-${id}`, "smollm2", kind, ON_SMOLLM2, { scales: [], ...options, model: "smollm2" });
/** Seven adapters of seven seeds at twice their rank: every merge as merged, and a few with the computed factor. */
function atTwiceApart() {
  const [plain, computed] = smollm2("apart-12", "apart", { rank: 12 });
  const merges = computed.config.merges.filter(({ name }) => ["auto", "lego", "average"].includes(name));
  return [plain, { ...computed, config: { ...computed.config, merges } }];
}
/** Which tasks are the first two to four: those that adapters learn from the fewest rows. */
const SMOLLM2_ORDER = ["sst2", "qqp", "qnli", "mnli"];
const SMOLLM2 = [
  study("smollm2-ranks-4", "ranks", "all", {
    model: "smollm2",
    rank: [6, 12, 24],
    tasks: SMOLLM2_ORDER,
    merges: ["lego", "average", "tsv"].map(named),
  }),
  advised("smollm2-advised-7", "all", { rank: 12, model: "smollm2" }),
  ...[2, 3, 4].flatMap((count) => smollm2(`count-${count}`, "all", { rank: 6, tasks: SMOLLM2_ORDER.slice(0, count) })),
  ...[6, 12].flatMap((rank) => smollm2(`${rank}`, "all", { rank })),
  ...smollm2("apart-3", "apart", { rank: 6, tasks: SMOLLM2_ORDER.slice(0, 3) }),
  ...smollm2("apart-6", "apart", { rank: 6 }),
  ...atTwiceApart(),
];

/** The most telling first, as a run can be stopped at any time. */
export const REAL = [
  ...pair("all-6", "all", "all", FEW, { rank: 6, scales: [] }),
  ...[2, 3, 4, 5].flatMap((count) => pair(`count-${count}`, "count", "all", FEW, counted(count))),
  ...[3, 4, 5].map((count) => study(`ranks-${count}`, "ranks", "all", { ...counted(count), ...AT_RANKS(count) })),
  ...pair("apart-3", "apart-count", "apart", FEW, counted(3)),
  ...pair("all-12", "all", "all", FEW, { rank: 12 }),
  ...pair("apart-6", "apart", "apart", FEW, { rank: 6 }),
  study("unseen", "unseen", "all", { rank: [6, 12, 24, 42], unseen: UNSEEN, merges: computed(OVER_RANKS) }),
  options("all"),
  advised("advised-4", "all", { ...counted(4), rank: 7 }),
  advised("advised-5", "all", { ...counted(5), rank: 8 }),
  advised("advised-7", "all", { rank: 8 }),
  advised("advised-apart-7", "apart", { rank: 13 }),
  rest("all-6", "all", "all", { rank: 6 }),
  options("apart"),
  ...SEEN.map((task) => study(`prune-${task}`, "prune", "all", { tasks: [task], rank: 6, merges: PRUNED })),
  ...pair("qv-6", "qv", "qv", FEW, { rank: 6 }),
  ...pair("apart-12", "apart", "apart", FEW, { rank: 12 }),
  ...pair("all-24", "all", "all", FEW, { rank: 24 }),
  ...pair("all-42", "all", "all", FEW, { rank: 42 }),
  ...pair("mixed-6", "mixed", "mixed", FEW, { rank: 6 }),
  study("mixed-2-and-32", "mixed", "mixed", { ...counted(2), rank: 8, merges: FEW, scales: SCALES }),
  ...[0.25, 0.5, 1].map(noisy),
  ...pair("seed1-6", "seed1", "seed1", FEW, { rank: 6 }),
  study("joint", "joint", "all", { rank: 6, merges: [named("average")], joint: home("minilm", "joint") }),
  ...SMOLLM2,
  ...[12, 24, 42].map((rank) => rest(`all-${rank}`, "all", "all", { rank })),
];

/** Sets whose clusters are looked at, and whose answers are compared where they must be the same. */
const units = (id, model, kind, tasks) => ({ id, model, set: home(model, kind), tasks });
export const REAL_UNITS = [
  units("units-minilm", "minilm", "all", SEEN),
  units("units-minilm-apart", "minilm", "apart", ORDER.slice(0, 3)),
  units("units-smollm2", "smollm2", "all", SMOLLM2_ORDER.slice(0, 2)),
];

/** What merges of the language model's adapters cost. */
export const REAL_COST = {
  id: "cost",
  model: "smollm2",
  set: home("smollm2", "apart"),
  tasks: SEEN,
  merges: ON_SMOLLM2,
  ranks: [6, 12],
};

/** Three tasks and two methods on adapters of a short training. */
export const REAL_QUICK = study("quick", "quick", "quick", {
  rank: 6,
  tasks: ["mrpc", "qqp", "sst2"],
  merges: ["average", "tsv"].map(named),
});
