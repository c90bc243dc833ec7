/** docs/evidence.md out of the results of the studies. */
import { evidencePlots } from "./plots.mjs";
import { AT_TWICE, AUTO_SETS, FACTOR_SETS, FULL, RANK_RULES } from "./studies.mjs";
import {
  acrossTable,
  best,
  costTable,
  exactnessTable,
  factorTable,
  mean,
  methodsTables,
  percent,
  points,
  pruneTable,
  purityTable,
  ranksTable,
  table,
} from "./tables.mjs";

const SETS = {
  "llama-all": "Llama, all linear modules",
  "llama-qv": "Llama, q and v",
  "gpt2-all": "GPT-2, all linear modules",
};

const MIXED = {
  "mixed-all": "Seven adapters of ranks 2 to 32",
  "mixed-2-and-32": "Rank 2 (cola) with rank 32 (mnli)",
};

/** One line for each number of adapters of a model, one column for each way to choose the rank. */
function rulesTable(studies, found) {
  const rows = studies.map(({ id, units }) => [
    id.replace("rank-rules-", "").replace("-", ", ").replace("-apart", ", different seeds"),
    units,
    ...Object.values(RANK_RULES).map((rule) =>
      percent(found[id].merges.find(({ rank }) => rank === rule(units)).plain.seen),
    ),
  ]);
  return table(["model, adapters", "units N", ...Object.keys(RANK_RULES)], rows);
}

/** One merge at several ranks, a line for each study. */
function rankLines(studies, found) {
  const { merges: all } = found[studies[0].id];
  return table(
    ["rank", ...all.map(({ rank }) => rank)],
    studies.map(({ id }) => [
      id.replace("rank-mixed-", ""),
      ...found[id].merges.map(({ plain }) => percent(plain.seen)),
    ]),
  );
}

/** One line for each variant, one column for each study and rank. */
function variantsTable(studies, found) {
  const [first] = studies;
  const columns = studies.flatMap(({ id }) =>
    [...new Set(found[id].merges.map(({ rank }) => rank))].map((rank) => [id, rank]),
  );
  const names = [...new Set(found[first.id].merges.map(({ name }) => name))];
  return table(
    ["", ...columns.map(([id, rank]) => `${id.slice(id.indexOf("-") + 1)}, rank ${rank}`)],
    names.map((name) => [
      name,
      ...columns.map(([id, rank]) => {
        const merge = found[id].merges.find((each) => each.name === name && each.rank === rank);
        const sure = merge.against === null || (merge.against.low <= 0 && merge.against.high >= 0) ? "" : " *";
        return `${percent(best(merge).seen)}${sure}`;
      }),
    ]),
  );
}

/** One line for each variant, one column for each set and rank. */
function devTable(studies, found) {
  const columns = studies.flatMap(({ id }) => [6, 12].map((rank) => [id, rank]));
  const names = [...new Set(found[studies[0].id].merges.map(({ name }) => name))];
  return table(
    ["", ...columns.map(([id, rank]) => `${id.replace("dev-", "")}, rank ${rank}`)],
    names.map((name) => [
      name,
      ...columns.map(([id, rank]) => {
        const { plain, searched } = found[id].merges.find((each) => each.name === name && each.rank === rank);
        return `${percent(plain.seen)} / ${percent(searched.seen)}`;
      }),
    ]),
  );
}

/** LEGO on whole units and on their pieces. */
function headsTable(studies, found) {
  const rows = studies.map(({ id, heads: { shape, gauge, rank } }) => {
    const name = gauge === "raw" ? "default" : "gauge balanced";
    const whole = found[`ablation-${shape}-all`].merges.find((each) => each.name === name && each.rank === rank);
    return [`${shape}, ${gauge}, rank ${rank}`, mean(best(whole)), mean(best(found[id].merges[0]))];
  });
  return table(["", "whole units", "pieces"], rows);
}

function seedsText({ merges }) {
  const seen = merges.map(({ plain }) => 100 * plain.seen);
  const middle = seen.reduce((sum, value) => sum + value, 0) / seen.length;
  const deviation = Math.sqrt(seen.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (seen.length - 1));
  const range = `${Math.min(...seen).toFixed(2)} to ${Math.max(...seen).toFixed(2)}`;
  return [
    `Over ${seen.length} clustering seeds the average of the seen tasks is ${middle.toFixed(2)}%`,
    `(standard deviation ${deviation.toFixed(2)} points, range ${range}).`,
  ].join("\n");
}

/** How much of the units B is, and how many clusters hold one unit: shown with LEGO's results, since it groups by what is long. */
function unitsTable(purity) {
  if (purity === undefined) return [];
  const rows = Object.entries(purity).map(([name, { all }]) => [name, percent(all.shareOfB), percent(all.singles)]);
  return [table(["LEGO's units, %", "B's share of their squared length", "clusters that hold a single unit"], rows)];
}

/** Methods over every pair of adapters: their mean, and by how much they fall behind the best method of a pair at most. */
function pairsTable(ids, found) {
  const names = Object.keys(found[ids[0]][0].seen);
  const cells = (name) =>
    ids.flatMap((id) => {
      const own = found[id].map(({ seen }) => seen[name]);
      const behind = found[id].map(({ seen }, i) => own[i] - Math.max(...Object.values(seen)));
      return [percent(own.reduce((sum, x) => sum + x, 0) / own.length), points(Math.min(...behind))];
    });
  const titles = ids.flatMap((id) => [SETS[id.replace("pairs-", "")], "worst pair against its best"]);
  return table(
    ["", ...titles],
    names.map((name) => [name, ...cells(name)]),
  );
}

/** Methods that the large tables do not have: as merged, and with a computed factor. */
function furtherTable(ids, found) {
  const scores = ids.map((id) => new Map(found[id].merges.map(({ name, plain }) => [name, plain])));
  const names = [...scores[0].keys()].filter((name) => !name.endsWith(" auto"));
  return table(
    ["", ...ids.map((id) => SETS[id.replace("further-", "")])],
    names.map((name) => [name, ...scores.map((of) => `${mean(of.get(name))} / ${mean(of.get(`${name} auto`))}`)]),
  );
}

/** As many ranks in every module, and shared out over the modules. */
function budgetTable(ids, found) {
  const scores = ids.map((id) => new Map(found[id].merges.map((merge) => [merge.name, merge])));
  const names = [...scores[0].keys()].filter((name) => !name.includes("budget"));
  return table(
    ["", ...ids.map((id) => SETS[id.replace("budget-", "")])],
    names.map((name) => [
      name.replace(" ", ", rank "),
      ...scores.map((of) => `${mean(of.get(name).plain)} / ${mean(of.get(name.replace(" ", " budget ")).plain)}`),
    ]),
  );
}

const NOT_YET = "*Not measured yet.*";

/** The table over the sets that were measured. */
function factorPart(found) {
  const there = FACTOR_SETS.filter(([id, , beside]) =>
    [`factor-${id}-computed`, beside].every((study) => found[study] !== undefined),
  );
  const atRank = (study) => found[study].merges.filter(({ rank }) => rank === 6);
  return there.length === 0
    ? NOT_YET
    : factorTable(
        there.map(([id, title, beside]) => ({
          title,
          computed: atRank(`factor-${id}-computed`),
          given: atRank(beside),
          bounds: {},
        })),
      );
}

/** What `--method auto` keeps at the adapters' rank, and at the one that it takes. */
function autoRanksTable(studies, found) {
  const seen = (id) => found[id].merges.find(({ name }) => name === "auto").plain.seen;
  const rows = studies.map(({ id }) => {
    const set = id.replace("auto-", "");
    const [, title] = AUTO_SETS.find(([own]) => own === set);
    const [six, twelve] = [`factor-${set}-computed`, id].map((own) => (100 * seen(own)).toFixed(1));
    return `| ${title} | ${six} | ${twelve} |`;
  });
  return ["| set | rank 6 | rank 12 |", "| --- | --- | --- |", ...rows].join("\n");
}

/** What the best methods keep at the adapters' rank and at the one that auto takes, each with its computed factor. */
function twiceTable(studies, found) {
  const shapes = studies.map(({ id }) => id.replace("twice-", ""));
  const seen = (id, name) => found[id].merges.find((merge) => merge.name === name)?.plain.seen;
  const atSix = (set, name) => seen(`factor-${set}-computed`, name) ?? seen(`further-${set}`, `${name} auto`);
  const shown = (share) => (100 * share).toFixed(1);
  const rows = ["tsv", ...AT_TWICE.filter(({ scale }) => scale === "auto").map(({ name }) => name)].map((name) => {
    const cells = shapes.map((set) => {
      const twelve = name === "tsv" ? seen(`auto-${set}`, "auto") : seen(`twice-${set}`, name);
      return `${shown(atSix(set, name))} / ${shown(twelve)}`;
    });
    return `| ${name} | ${cells.join(" | ")} |`;
  });
  const head = shapes.map((set) => SETS[set]);
  return [`|  | ${head.join(" | ")} |`, `| --- |${" ---: |".repeat(head.length)}`, ...rows].join("\n");
}

/** @param found results by the ids of the studies @param words the text before the tables */
export function evidencePage(found, words) {
  const of = (name) => FULL.filter(({ table: own }) => own === name);
  /** A table over all studies of its own, beside what it takes from others. */
  const whole = (name, text, others = []) => {
    const needed = [...of(name).map(({ id }) => id), ...others];
    return needed.every((id) => found[id] !== undefined) ? text() : NOT_YET;
  };
  /** A table over the studies that were measured. */
  const across = (name, text) => {
    const there = of(name).filter(({ id }) => found[id] !== undefined);
    const missing = of(name).filter((one) => !there.includes(one));
    const rest = missing.length === 0 ? "" : `\n\n*Not measured yet: ${missing.map(({ id }) => id).join(", ")}.*`;
    return there.length === 0 ? NOT_YET : `${text(there)}${rest}`;
  };
  const each = (name, titleOf, text) =>
    of(name).flatMap(({ id }) => [`### ${titleOf(id)}`, ...(found[id] === undefined ? [NOT_YET] : [text(id)].flat())]);
  const plot = (name, text) => (evidencePlots(found)[name] === undefined ? [] : [`![${text}](${name})`]);
  return [
    words.trim(),
    "## Every method",
    ...plot(
      "evidence-methods.svg",
      "Accuracy of every method at rank 6, as merged and with the factor chosen on the dev rows",
    ),
    ...each(
      "methods",
      (id) => SETS[id.replace("methods-", "")],
      (id) => [...unitsTable(found[id.replace("methods", "purity")]), methodsTables(found[id])],
    ),
    "## A factor without data",
    "At rank 6: as merged / **with `--scale auto`** / with the factor that the dev rows choose.\n`auto` is `--method auto`: tsv with `--scale auto`.\nThe method and the factor's rule follow the dev rows of two, three, five and seven adapters\nof Llama with all linear modules and of GPT-2's attention.\nThe last choice, between three formulas of the factor, was made after the test rows of the other sets were seen,\nso these are no independent proof of it.",
    factorPart(found),
    "### The rank that auto takes",
    "Seven adapters of rank 6 by `--method auto`, which takes rank 12 by itself; average accuracy on the seen tasks.",
    across("auto", (there) => autoRanksTable(there, found)),
    "Other methods beside it, each with `--scale auto`: at rank 6 / at rank 12.",
    across("twice", (there) => twiceTable(there, found)),
    "### Further methods",
    "Seven adapters at rank 6, as merged / with `--scale auto`; no factor was searched.",
    across("further", (there) =>
      furtherTable(
        there.map(({ id }) => id),
        found,
      ),
    ),
    "### Every two of the seven adapters",
    "With `--scale auto` at rank 6; average of the pair's two tasks over 21 pairs, 200 test rows per task.",
    across("pairs", (there) =>
      pairsTable(
        there.map(({ id }) => id),
        found,
      ),
    ),
    "### A budget of ranks",
    "Seven adapters with `--scale auto`:\nthe same rank in every module (`--rank`) / as many ranks in all, shared out (`--budget`).",
    across("budget", (there) =>
      budgetTable(
        there.map(({ id }) => id),
        found,
      ),
    ),
    "## Unequal ranks and alphas",
    ...each(
      "mixed",
      (id) => MIXED[id],
      (id) => methodsTables(found[id]),
    ),
    "## Pruning one adapter",
    whole("prune", () => pruneTable(of("prune"), found)),
    "## The rank of the result",
    ...plot("evidence-ranks.svg", "Accuracy by the rank of the result"),
    ...each(
      "ranks",
      (id) => SETS[id.replace("ranks-", "")],
      (id) => ranksTable(found[id]),
    ),
    "### By the number of adapters, on the dev rows",
    "LEGO as merged, at ranks that follow from r = 6 or from the number of units of all adapters; 300 rows per task.",
    across("rules", (studies) => rulesTable(studies, found)),
    "Seven adapters of ranks 2 to 32, 80 units in total, on the same rows:",
    across("mixed-ranks", (studies) => rankLines(studies, found)),
    "## Variants of LEGO",
    "Average of the seen tasks with the factor chosen on the dev rows.\nA star marks a difference from the default that is not a tie.",
    across("ablation", (studies) => variantsTable(studies, found)),
    "### The dev rows, used to choose defaults",
    "As merged / with the factor that does best on the same rows; 300 rows per task.",
    across("dev", (studies) => devTable(studies, found)),
    "## Pieces for each attention head",
    "For each head its pieces of the units of q, k, v and o are clustered separately.\nThe result is cut back to the rank by singular values; the factor is chosen on the dev rows.",
    whole("heads", () => headsTable(of("heads"), found), ["ablation-llama-all", "ablation-gpt2-all"]),
    "## Noise on the units",
    ...plot("evidence-noise.svg", "Accuracy by noise on the units"),
    "For this the adapters are rewritten in f32, including those without noise.",
    across("noise", (studies) => acrossTable(studies, found, ({ noise }) => `${noise.sigma} RMS`)),
    "## Seeds",
    whole("seeds", () => seedsText(found.seeds)),
    "The seven adapters trained three times, each time from another seed:",
    whole(
      "training",
      () =>
        acrossTable([{ id: "count-7" }, ...of("training")], found, ({ id }) =>
          id === "count-7" ? "seed 0" : id.slice(-5),
        ),
      ["count-7"],
    ),
    "## Same seed and different seeds",
    "Adapters trained with the same seed start from the same random A.\nHere the seven adapters come from three seeds, so at most three of them share their start.",
    ...each(
      "begun",
      (id) => SETS[`${id.replace("begun-apart-", "")}-all`],
      (id) => methodsTables(found[id]),
    ),
    "## What the clusters are made of",
    ...each(
      "purity",
      (id) => SETS[id.replace("purity-", "")],
      (id) => purityTable(found[id]),
    ),
    "## Number of adapters",
    ...each(
      "count",
      (id) => `${id.replace("count-", "")} adapters`,
      (id) => methodsTables(found[id]),
    ),
    "## What must make no difference",
    whole("exactness", () => exactnessTable(found.exactness)),
    "## Cost",
    "Median processor time of five merges of the seven adapters of the Llama-shaped model, on one core of an AMD EPYC.\nIt runs from opening the files to the written folder; [speed](speed.md) has figures for large adapters.",
    whole("cost", () => costTable(found.cost)),
    "",
  ].join("\n\n");
}
