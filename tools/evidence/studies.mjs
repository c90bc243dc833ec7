/** What `npm run evidence` measures: each study is one benchmark (docs/bench.md) on minibench, by the table of docs/evidence.md that it fills. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const SEEN = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const UNSEEN = ["snli", "wnli"];
const minibench = fileURLToPath(new URL("../../examples/minibench", import.meta.url));
/** bench.yaml holds every method and the factors that are searched. */
export const { merges: METHODS, scales: SCALES } = parse(readFileSync(join(minibench, "bench.yaml"), "utf8"));
const lego = (name, options) => ({ name, method: "lego", options });

/** LEGO with each of its options. */
export const ABLATION = [
  lego("default", {}),
  lego("reweight l2", { reweight: "l2" }),
  lego("reweight none", { reweight: "none" }),
  lego("output reweight off", { outputReweight: false }),
  lego("neither reweight", { reweight: "none", outputReweight: false }),
  lego("gauge balanced", { gauge: "balanced" }),
  lego("gauge svd", { gauge: "svd" }),
  lego("sign canonical", { sign: "canonical" }),
  lego("sign line", { sign: "line" }),
  lego("centre rank1", { centre: "rank1" }),
  lego("metric delta", { metric: "delta" }),
  lego("centre rank1, reweight delta", { centre: "rank1", reweight: "delta" }),
  lego("decorrelate 0.5", { decorrelate: 0.5 }),
  lego("output norm mean", { outputNorm: "mean" }),
  lego("metric cosine", { metric: "cosine" }),
  lego("metric manhattan", { metric: "manhattan" }),
  lego("metric transport", { metric: "transport" }),
];
const named = (wanted) => METHODS.find(({ name, method }) => (name ?? method) === wanted);
const FEW = ["lego", "lego balanced", "average", "svd"].map(named);

/** What merges adapters of unequal ranks. */
const UNEQUAL = METHODS.filter(({ method }) => !["linear", "ties", "robust_merge"].includes(method));

/** Adapters that tools/minibench/build.py makes beside the committed ones: other ranks and alphas, other training seeds. */
const more = fileURLToPath(new URL("../../build/minibench", import.meta.url));
/** Adapters that are written when their study is run. */
const made = fileURLToPath(new URL("../../build/evidence/adapters", import.meta.url));

/** The seven adapters of one training seed share the random A that they began with; of three seeds, these do not. */
const begunApart = (shape) =>
  SEEN.map((task, t) => (t % 3 === 0 ? join(minibench, shape, "all", task) : join(more, shape, `seed${t % 3}`, task)));
const BEGUN = [
  ...["lego", "lego balanced", "lego svd gauge", "lego decorrelated", "lego deltas"],
  ...["average", "svd", "ties_svd", "tsv", "iso_c", "ctm"],
].map(named);

export const adapterOf = (shape, targets, task) => join(minibench, shape, targets, task);

/** What is merged with a factor computed from the adapters, and with one searched on the dev rows. */
const FACTORED = [
  "lego",
  "lego deltas",
  "lego svd gauge",
  "average",
  "iso_c",
  "iso_cts",
  "tsv",
  "ctm",
  "dc_merge",
  "ties_svd",
].map(named);
const COMPUTED = [
  { name: "auto", method: "auto" },
  ...FACTORED.map((merge) => ({ name: merge.method, ...merge, scale: "auto" })),
];

/** What is measured of adapters of different seeds. */
const APART = ["auto", "lego", "lego deltas", "lego svd gauge", "average", "ctm"];

/** A benchmark of the adapters of the tasks named, at a target set of a model or in another folder. */
function config(
  shape,
  targets,
  { tasks = SEEN, unseen = UNSEEN, joint = false, folder, paths, onDev = false, ...rest },
) {
  const files = (split, names) => names.map((task) => join(minibench, split, `${task}.jsonl`));
  const home = folder ?? join(minibench, shape, targets);
  return {
    base: join(minibench, shape, "base"),
    tasks: { dev: files("dev", tasks), test: files(onDev ? "dev" : "test", [...tasks, ...unseen]) },
    adapters: tasks.map((task, t) => ({ path: paths?.[t] ?? join(home, task), task })),
    ...(joint && { joint: join(minibench, shape, targets, "joint") }),
    unseen,
    ...rest,
  };
}

const study = (id, table, of) => ({ id, table, config: of });

/**
 * The sets of adapters that computed factors are measured on, and the study that holds the same methods as merged and with a searched
 * factor. The rules were chosen on the dev rows of the first two.
 */
export const FACTOR_SETS = [
  ["llama-all", "Llama, all linear modules", "methods-llama-all", ["llama", "all", {}]],
  ["gpt2-qv", "GPT-2, attention", "factor-gpt2-qv", ["gpt2", "qv", {}]],
  ["gpt2-all", "GPT-2, all linear modules", "methods-gpt2-all", ["gpt2", "all", {}]],
  ["llama-qv", "Llama, q and v", "methods-llama-qv", ["llama", "qv", {}]],
  ["llama-apart", "Llama, different seeds", "begun-apart-llama", ["llama", "all", { paths: begunApart("llama") }]],
  ["gpt2-apart", "GPT-2, different seeds", "begun-apart-gpt2", ["gpt2", "all", { paths: begunApart("gpt2") }]],
  ["gpt2-2", "GPT-2, 2 adapters", "factor-gpt2-2", ["gpt2", "all", { tasks: SEEN.slice(0, 2) }]],
  ["gpt2-3", "GPT-2, 3 adapters", "factor-gpt2-3", ["gpt2", "all", { tasks: SEEN.slice(0, 3) }]],
];
const factorStudies = FACTOR_SETS.flatMap(([id, , beside, [shape, targets, options]]) => {
  const of = { ...options, unseen: [], ranks: [6] };
  const computed = options.paths === undefined ? COMPUTED : COMPUTED.filter(({ name }) => APART.includes(name));
  return [
    ...(beside === `factor-${id}`
      ? [study(beside, "factor", config(shape, targets, { ...of, merges: FACTORED, scales: SCALES }))]
      : []),
    study(`factor-${id}-computed`, "factor", config(shape, targets, { ...of, merges: computed })),
  ];
});

/** The sets of seven adapters of rank 6 for which it was measured what `--method auto` makes by itself: more adapters than that rank, so at rank 12. */
export const AUTO_SETS = ["llama-all", "gpt2-all", "llama-qv", "gpt2-qv"].map((set) =>
  FACTOR_SETS.find(([id]) => id === set),
);
const autoStudies = AUTO_SETS.map(([id, , , [shape, targets]]) =>
  study(
    `auto-${id}`,
    "auto",
    config(shape, targets, { unseen: [], ranks: [12], merges: [{ name: "auto", method: "auto" }] }),
  ),
);

/** The best methods beside auto's at the rank that it takes: with a computed factor, and as merged those that the large tables do not have. */
export const AT_TWICE = [
  ...["ctm", "do_merging", "dc_merge", "iso_cts", "iso_c", "ties_svd", "average", "lego"].map((name) => ({
    ...named(name),
    name,
    scale: "auto",
  })),
  ...["do_merging", "dc_merge"].map((name) => ({ ...named(name), name: `${name} as merged` })),
];
const atTwice = (shape) =>
  study(`twice-${shape}-all`, "twice", config(shape, "all", { merges: AT_TWICE, ranks: [12], unseen: [] }));

/** Methods that the large tables do not have, as merged and with a computed factor. */
const FURTHER = [
  ...["lego decorrelated", "lego deltas", "svd_clamp", "della_linear", "breadcrumbs_ties", "sce", "multislerp"],
  ...["karcher", "model_stock", "dc_merge", "do_merging", "ct_merge"],
].flatMap((name) => [
  { ...named(name), name },
  { ...named(name), name: `${name} auto`, scale: "auto" },
]);
const further = (shape) =>
  study(`further-${shape}-all`, "further", config(shape, "all", { merges: FURTHER, ranks: [6], unseen: [] }));

/** The same ranks in every module, and as many shared out over the modules; with computed factors. */
const BUDGETS = [6, 3].flatMap((rank) =>
  ["tsv", "lego"].flatMap((method) => [
    { name: `${method} ${rank}`, method, rank, scale: "auto" },
    { name: `${method} budget ${rank}`, method, budget: rank, scale: "auto" },
  ]),
);
const budgets = (shape) =>
  study(`budget-${shape}-all`, "budget", config(shape, "all", { merges: BUDGETS, unseen: [] }));

/** What merges any two adapters, with a computed factor. */
const PAIRED = [
  ...["tsv", "ctm", "ties_svd", "lego", "lego svd gauge", "average"],
  ...["iso_c", "iso_cts", "core_space", "knots", "pico", "do_merging", "dc_merge"],
].map((name) => ({
  method: name,
  ...named(name),
  name,
  scale: "auto",
}));

/** Every two of the seven adapters; a benchmark for each pair. */
const pairsOf = (shape, targets) => ({
  id: `pairs-${shape}-${targets}`,
  table: "pairs",
  limit: 200,
  pairs: SEEN.flatMap((one, i) =>
    SEEN.slice(i + 1).map((other) => {
      const of = { tasks: [one, other], unseen: [], merges: PAIRED, ranks: [6] };
      return { tasks: [one, other], config: config(shape, targets, of) };
    }),
  ),
});

const SETS = [
  ["llama", "all", [6, 12, 42]],
  ["llama", "qv", [6]],
  ["gpt2", "all", [6, 12]],
];

/** One adapter at fewer ranks, or with fewer entries. */
export const PRUNED = [
  ...[5, 3, 2].flatMap((rank) => [
    { name: `lego ${rank}`, method: "lego", rank },
    { name: `lego balanced ${rank}`, method: "lego", options: { gauge: "balanced" }, rank },
    { name: `svd ${rank}`, method: "svd", rank },
  ]),
  ...[0.75, 0.5, 0.25].map((density) => ({
    name: `magnitude ${density}`,
    method: "magnitude_prune",
    options: { density },
  })),
];
const pruning = (task) =>
  study(`prune-${task}`, "prune", config("llama", "all", { tasks: [task], unseen: [], merges: PRUNED }));

/** Seven adapters with noise. */
function noisy(sigma) {
  const folder = join(made, `noise-${sigma}`);
  const of = config("llama", "all", { folder, merges: FEW, ranks: [6], scales: SCALES });
  return { ...study(`noise-${sigma}`, "noise", of), noise: { sigma, folder } };
}

/** Ranks by how they follow from the adapters' rank r = 6 and the number of all their units. */
export const RANK_RULES = {
  "r / 2": () => 3,
  r: () => 6,
  "2r": () => 12,
  "N / 4": (units) => Math.round(units / 4),
  "N / 3": (units) => Math.round(units / 3),
  "N / 2": (units) => units / 2,
  "2N / 3": (units) => Math.round(units / 1.5),
  N: (units) => units,
};

/** LEGO of some adapters by every rule of ranks, on the dev rows. @param paths of the adapters, where they are others */
function rankRules(shape, count, paths) {
  const ranks = [...new Set(Object.values(RANK_RULES).map((rule) => rule(6 * count)))].sort((p, q) => p - q);
  const of = { tasks: SEEN.slice(0, count), unseen: [], merges: [lego("lego", {})], ranks, onDev: true };
  const id = `rank-rules-${shape}-${count}${paths === undefined ? "" : "-apart"}`;
  return { ...study(id, "rules", config(shape, "all", { ...of, ...(paths && { paths }) })), units: 6 * count };
}

/** One adapter, the merge of the pieces of seven, cut to the rank. */
function ofHeads(shape, gauge, rank) {
  const folder = join(made, `heads-${shape}-${gauge}-${rank}`);
  const merges = [{ name: `heads, ${gauge}`, method: "svd" }];
  const of = { ...config(shape, "all", { merges, ranks: [rank], scales: SCALES }), adapters: [folder] };
  return { ...study(`heads-${shape}-${gauge}-${rank}`, "heads", of), heads: { shape, gauge, rank, folder } };
}

/** Every study of the full run: a benchmark each but for `purity`, `exactness` and `cost`; `noise` and `heads` say how its adapters are made before. */
export const FULL = [
  ...autoStudies,
  atTwice("llama"),
  atTwice("gpt2"),
  further("llama"),
  further("gpt2"),
  budgets("llama"),
  budgets("gpt2"),
  pairsOf("gpt2", "all"),
  pairsOf("llama", "qv"),
  ...SETS.map(([shape, targets, ranks]) =>
    study(
      `methods-${shape}-${targets}`,
      "methods",
      config(shape, targets, { joint: true, merges: METHODS, ranks, scales: SCALES }),
    ),
  ),
  study(
    "mixed-all",
    "mixed",
    config("llama", "all", { folder: join(more, "llama/mixed"), merges: UNEQUAL, ranks: [6, 42], scales: SCALES }),
  ),
  study(
    "mixed-2-and-32",
    "mixed",
    config("llama", "all", {
      folder: join(more, "llama/mixed"),
      tasks: ["cola", "mnli"],
      unseen: [],
      merges: UNEQUAL,
      ranks: [8],
      scales: SCALES,
    }),
  ),
  ...SEEN.map(pruning),
  ...[
    ["llama", [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 42]],
    ["gpt2", [1, 2, 4, 6, 12, 24, 42]],
  ].map(([shape, ranks]) => study(`ranks-${shape}-all`, "ranks", config(shape, "all", { merges: FEW, ranks }))),
  ...SETS.map(([shape, targets]) =>
    study(
      `ablation-${shape}-${targets}`,
      "ablation",
      config(shape, targets, {
        merges: ABLATION,
        ranks: [6],
        scales: SCALES,
      }),
    ),
  ),
  ...SETS.map(([shape, targets]) =>
    study(
      `dev-${shape}-${targets}`,
      "dev",
      config(shape, targets, { merges: ABLATION, ranks: [6, 12], scales: SCALES, unseen: [], onDev: true }),
    ),
  ),
  ...["llama", "gpt2"].flatMap((shape) => [2, 3, 5, 7].map((count) => rankRules(shape, count))),
  ...["llama", "gpt2"].map((shape) => rankRules(shape, 7, begunApart(shape))),
  ...["llama", "gpt2"].map((shape) =>
    study(
      `rank-mixed-${shape}`,
      "mixed-ranks",
      config(shape, "all", {
        folder: join(more, shape, "mixed"),
        merges: [lego("lego", {})],
        ranks: [6, 12, 16, 23, 32, 40, 60],
        unseen: [],
        onDev: true,
      }),
    ),
  ),
  ...["llama", "gpt2"].flatMap((shape) => ["raw", "balanced"].map((gauge) => ofHeads(shape, gauge, 6))),
  ...[0, 0.25, 0.5, 1, 2].map(noisy),
  study(
    "seeds",
    "seeds",
    config("llama", "all", {
      merges: Array.from({ length: 10 }, (_, seed) => lego(`seed ${seed}`, { seed })),
      ranks: [6],
    }),
  ),
  ...["seed1", "seed2"].map((seed) =>
    study(
      `training-${seed}`,
      "training",
      config("llama", "all", { folder: join(more, "llama", seed), merges: FEW, ranks: [6], scales: SCALES }),
    ),
  ),
  ...["llama", "gpt2"].map((shape) =>
    study(
      `begun-apart-${shape}`,
      "begun",
      config(shape, "all", { paths: begunApart(shape), merges: BEGUN, ranks: [6, 12], scales: SCALES }),
    ),
  ),
  ...SETS.map(([shape, targets]) => ({ id: `purity-${shape}-${targets}`, table: "purity", purity: [shape, targets] })),
  ...[2, 3, 5, 7].map((count) =>
    study(
      `count-${count}`,
      "count",
      config("llama", "all", { tasks: SEEN.slice(0, count), unseen: [], merges: FEW, ranks: [6], scales: SCALES }),
    ),
  ),
  {
    id: "exactness",
    table: "exactness",
    exactness: {
      base: join(minibench, "llama/base"),
      adapters: SEEN.map((task) => adapterOf("llama", "all", task)),
      tasks: SEEN.map((task) => join(minibench, "dev", `${task}.jsonl`)),
    },
  },
  ...factorStudies,
  { id: "cost", table: "cost", cost: { merges: METHODS, ranks: [6, 42] } },
];

/** Some methods at one rank on fewer rows, unsearched. */
const QUICK_MERGES = [
  { name: "auto", method: "auto" },
  ...["lego", "lego deltas", "lego svd gauge", "average", "svd", "ties_svd", "dare_ties_svd", "knots"].map(named),
  ...["core_space", "tsv", "iso_c", "ctm"].map(named),
];
export const QUICK = [
  {
    ...study("quick-llama-all", "quick", config("llama", "all", { unseen: [], merges: QUICK_MERGES, ranks: [6] })),
    limit: 300,
  },
];

/** A study in parts that have every n-th of its merges each, to be measured at the same time. */
export function inParts({ id, config, ...rest }, count) {
  return Array.from({ length: count }, (_, part) => ({
    ...rest,
    id: `${id}-${part + 1}-of-${count}`,
    config: { ...config, merges: config.merges.filter((_, i) => i % count === part) },
  }));
}
