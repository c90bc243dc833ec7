/** What `audit` recommends for each set of adapters on pretrained models, and how far that is from the best that was found with data. */
import { existsSync } from "node:fs";
import { auditAdapters } from "../../dist/node/index.js";
import { REAL } from "./real-studies.mjs";
import { best, mean, percent, points, table } from "./tables.mjs";

const HEAD = ["", "base", "own", "recommended", "keeps", "best found", "keeps", "difference"];

/** The studies of each set of adapters as they were trained, by the id of its first one. */
function studiesOfSets() {
  const sets = new Map();
  for (const study of REAL.filter(({ noise }) => noise === undefined)) {
    const key = study.config.adapters.map(({ path }) => path).join();
    sets.set(key, [...(sets.get(key) ?? []), study]);
  }
  return new Map([...sets.values()].map((studies) => [studies[0].id, studies]));
}

/** The ranks that `audit` recommends for its method and for LEGO, of every set whose adapters are there, by the id of its first study. */
export async function recommendations() {
  const given = {};
  for (const [id, [{ config }]] of studiesOfSets()) {
    const paths = config.adapters.map(({ path }) => path);
    if (!paths.every((path) => existsSync(path))) continue;
    const { recommendation } = await auditAdapters(paths);
    given[id] = { method: recommendation.method, rank: recommendation.rank, lego: recommendation.lego?.rank ?? null };
  }
  return given;
}

/**
 * A table of the merges that are recommended, against the best of all, and one of LEGO at the rank that is recommended for it, against the
 * best of LEGO without options. A set without a merge as recommended has no line.
 *
 * @param found results by the ids of studies, with what `recommendations` gave as `advice` @param titleOf names a set by one of its studies
 */
export function adviceTables(found, titleOf) {
  const sets = [...studiesOfSets()].flatMap(([id, studies]) => {
    const there = studies.filter((study) => found[study.id] !== undefined);
    const advised = found.advice?.[id];
    if (there.length === 0 || advised === undefined) return [];
    return [{ advised, title: titleOf(there[0]), ...found[there[0].id], merges: there.flatMap(mergesOf(found)) }];
  });
  const kinds = [
    ({ advised: { method, rank }, merges }) => ({
      words: `auto (${method}), rank ${rank}`,
      taken: merges.find((merge) => merge.name === "auto" && merge.rank === rank),
      all: merges,
    }),
    ({ advised, merges }) => {
      const all = merges.filter(({ name }) => name === "lego");
      const taken = all.find(({ computed, rank }) => !computed && rank === advised.lego);
      return { words: `lego, rank ${advised.lego}`, taken, all };
    },
  ];
  return kinds.flatMap((of) => {
    const rows = sets.flatMap((set) => line(set, of(set)));
    return rows.length === 0 ? [] : [table(HEAD, rows)];
  });
}

function line({ title, base, own }, { words, taken, all }) {
  // A merge that nothing else was measured beside is the best of itself.
  if (taken === undefined || all.length === 1) return [];
  return [[title, percent(base.seen), percent(own.seen), words, ...against(taken, all)]];
}

/** The merges of a study, each with the factor that did best with it. */
const mergesOf =
  (found) =>
  ({ id }) =>
    found[id].merges.map((merge) => ({ ...merge, computed: id.endsWith("-computed"), most: most(merge) }));

const most = (merge) => Math.max(merge.plain.seen, best(merge).seen);

/** What a merge keeps, and the best of all. */
function against({ plain }, all) {
  const top = all.reduce((p, q) => (q.most > p.most ? q : p));
  const words = `${top.name}, rank ${top.rank}${top.computed && top.name !== "auto" ? ", `--scale auto`" : ""}`;
  return [mean(plain), words, percent(top.most), points(plain.seen - top.most)];
}
