/** Tables that several pages of results share. */
import { SEEN } from "./studies.mjs";

export const percent = (share) => (100 * share).toFixed(1);
export const points = (share) => `${share < 0 ? "" : "+"}${percent(share)}`;
/** A mean over tasks with its standard deviation. */
export const mean = (scores, tasks = SEEN) => {
  const of = tasks.filter((task) => scores.tasks[task] !== undefined).map((task) => scores.tasks[task].deviation);
  return `${percent(scores.seen)} ± ${percent(Math.hypot(...of) / of.length)}`;
};
export const best = (merge) => merge.searched ?? merge.plain;
const kept = ({ base, own }, scores) => `${Math.round((100 * (scores.seen - base.seen)) / (own.seen - base.seen))}`;

export function table(head, rows) {
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function verdict(against) {
  if (against === null) return "";
  const { difference, low, high } = against;
  const interval = `${points(difference)} (${points(low)} to ${points(high)})`;
  return low <= 0 && high >= 0 ? `${interval}, tie` : interval;
}

/** Every method, by rank: as it is, and with the factor that the dev rows choose. */
export function methodsTables(result) {
  const tasks = Object.keys(result.base.tasks);
  const cells = (scores) => [...tasks.map((task) => percent(scores.tasks[task].accuracy)), `**${mean(scores)}**`];
  const bounds = [
    ["base model", result.base],
    ["own adapter", result.own],
    ["joint adapter", result.joint],
    ["ensemble of outputs", result.ensemble],
  ].filter(([, scores]) => scores !== null);
  const head = ["", ...tasks, "seen"];
  const ranks = [...new Set(result.merges.map(({ rank }) => rank))];
  return [
    table(
      [...head, "gain kept, %"],
      bounds.map(([name, scores]) => [name, ...cells(scores), kept(result, scores)]),
    ),
    ...ranks.flatMap((rank) => {
      const merges = result.merges.filter((merge) => merge.rank === rank);
      const sorted = [...merges].sort((p, q) => best(q).seen - best(p).seen);
      const rows = sorted.map((merge) => [
        merge.name,
        mean(merge.plain),
        ...(merge.searched === null ? [] : [String(merge.searched.scale)]),
        ...cells(best(merge)),
        kept(result, best(merge)),
        verdict(merge.against),
      ]);
      const factor = merges[0].searched === null ? [] : ["factor"];
      const columns = ["", "factor 1", ...factor, ...tasks, "seen", "gain kept, %", `against ${merges[0].name}`];
      return [`**Rank ${rank}**`, table(columns, rows)];
    }),
  ].join("\n\n");
}

/** One column for each rank. */
export function ranksTable(result) {
  const ranks = [...new Set(result.merges.map(({ rank }) => rank))];
  const names = [...new Set(result.merges.map(({ name }) => name))];
  const of = (name, rank) => result.merges.find((merge) => merge.name === name && merge.rank === rank).plain;
  const lines = (name, scoresAt) =>
    ["seen", "unseen"]
      .filter((part) => result.base[part] !== null)
      .map((part) => [`${name}, ${part}`, ...ranks.map((rank) => percent(scoresAt(rank)[part]))]);
  return table(
    ["rank", ...ranks],
    [...lines("base model", () => result.base), ...names.flatMap((name) => lines(name, (rank) => of(name, rank)))],
  );
}

/**
 * Methods as merged, with a computed factor, and with the factor that the dev rows choose: a column for each set.
 *
 * @param sets for each its title, the merges with computed and with searched factors, and other scores by their names
 */
export function factorTable(sets) {
  const byName = (merges) => new Map(merges.map((merge) => [merge.name, merge]));
  const merges = sets.map(({ computed, given }) => ({ computed: byName(computed), given: byName(given) }));
  const { computed: most } = merges.reduce((p, q) => (q.computed.size > p.computed.size ? q : p));
  const names = [...most.keys()].filter((name) => name !== "auto");
  const shown = (scores) => (scores ? percent(scores.seen) : "");
  const rows = names.map((name) => [
    name,
    ...merges.map(({ computed, given }) => {
      const merge = given.get(name);
      return `${shown(merge?.plain) || "-"} / **${shown(computed.get(name)?.plain) || "-"}** / ${shown(merge?.searched ?? merge?.plain) || "-"}`;
    }),
  ]);
  const auto = merges.map(({ computed }) => computed.get("auto").plain);
  const bests = merges.map(({ computed, given }) =>
    Math.max(
      ...[...given.values()].map((merge) => best(merge).seen),
      ...[...computed.values()].map((merge) => merge.plain.seen),
    ),
  );
  return table(
    ["", ...sets.map(({ title }) => title)],
    [
      ...Object.keys(sets[0].bounds).map((name) => [name, ...sets.map(({ bounds }) => percent(bounds[name].seen))]),
      ["**auto**", ...auto.map((scores) => `**${mean(scores)}**`)],
      ["best of all, searched", ...bests.map(percent)],
      ["auto against it", ...auto.map((scores, i) => points(scores.seen - bests[i]))],
      ...rows,
    ],
  );
}

/** Purity, and that of random clusters of the same sizes. */
export function purityTable(result) {
  const parts = Object.keys(Object.values(result)[0]);
  return table(
    ["", ...Object.keys(result)],
    [
      ...parts.map((part) => [
        `purity, ${part}`,
        ...Object.values(result).map(
          (of) => `${percent(of[part].purity)} (chance ${percent(of[part].chance)} ± ${percent(of[part].deviation)})`,
        ),
      ]),
      ["single-unit clusters", ...Object.values(result).map(({ all }) => percent(all.singles))],
      ["B's share of the squared length", ...Object.values(result).map(({ all }) => percent(all.shareOfB))],
    ],
  );
}

/** How far answers differ that must be the same. */
export function exactnessTable(result) {
  return table(
    ["", "rows", "largest difference of a log-probability"],
    Object.entries(result).map(([name, { rows, error }]) => [name, String(rows), error.toExponential(1)]),
  );
}

/** One line for each merge, one column for each study. */
export function acrossTable(studies, found, columnOf) {
  const names = found[studies[0].id].merges.map(({ name }) => name);
  const lines = [
    ["own adapters", ...studies.map(({ id }) => percent(found[id].own.seen))],
    ...names.map((name) => [
      name,
      ...studies.map(({ id }) => {
        const own = found[id].merges.find((merge) => merge.name === name);
        return own === undefined ? "" : mean(best(own));
      }),
    ]),
  ];
  return table(["", ...studies.map(columnOf)], lines);
}

/** What one adapter keeps of its own accuracy when it is pruned, beside the base model without it. */
export function pruneTable(studies, found) {
  const [{ merges }] = studies.map(({ id }) => found[id]);
  const rowOf = (name, scoresOf, wordOf) => {
    const shares = studies.map(({ id }) => scoresOf(found[id]).seen / found[id].own.seen);
    const average = shares.reduce((sum, value) => sum + value, 0) / shares.length;
    return [name, ...shares.map(percent), `${percent(average)}${wordOf(average)}`];
  };
  const inWords = (average) => (average >= 0.99 ? ", kept" : average >= 0.9 ? ", comparable" : ", refuted");
  return table(
    ["share of the adapter's own accuracy, %", ...studies.map(({ id }) => id.replace("prune-", "")), "mean"],
    [
      rowOf(
        "base model",
        ({ base }) => base,
        () => "",
      ),
      ...merges.map(({ name }) =>
        rowOf(name, (result) => result.merges.find((merge) => merge.name === name).plain, inWords),
      ),
    ],
  );
}

/** What `costOf` measured. */
export function costTable(result) {
  const ranks = Object.keys(Object.values(result)[0]);
  return table(
    ["ms of one core", ...ranks.map((rank) => `rank ${rank}`)],
    Object.entries(result).map(([name, of]) => [name, ...ranks.map((rank) => of[rank].toFixed(0))]),
  );
}
