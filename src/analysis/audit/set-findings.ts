import type { Adapter } from "../../adapter/adapter.ts";
import { sameBase } from "../../adapter/same-base.ts";
import { listed } from "../../core/listed.ts";
import { plural } from "../../core/plural.ts";
import { percent, percentBeside } from "../../core/shown.ts";
import type { DeltaProducts } from "../../figures/delta.ts";
import type { EnergyByRank } from "../../figures/energy-by-rank.ts";
import type { Warning } from "../../plan/warning.ts";
import { apartOf } from "../../report/apart.ts";
import { balancingWeight, type LostInput, lostInputs, smaller } from "../../report/lost-adapters.ts";
import { isTooLow, LEAST_ROOM } from "../../report/rank-rule.ts";
import { sameAdapters } from "../../report/same-adapters.ts";
import { MAX_UNITS } from "../../units/memory.ts";
import { zeroWarnings } from "../inspect.ts";
import { moduleNames } from "../pools.ts";
import { type AuditedAdapter, OUTLIER_TIMES } from "./adapter-tally.ts";
import { sumFigures } from "./sum-figures.ts";

/** Something that an audit of a set found. */
export interface AuditFinding {
  /** problem: merge the set only when it is mended; note: it works, if this is kept in mind. */
  readonly level: "problem" | "note";
  /** Stable; the same as a merge's warning where there is one. */
  readonly id: Warning["id"] | "refused" | "same-start" | "outliers" | "rank-too-low" | "not-compared";
  readonly text: string;
}

/** A set as its findings see it. */
export interface FoundSet {
  readonly adapters: readonly AuditedAdapter[];
  /** How many modules any of them changes, and in how many of these adapters were not compared. */
  readonly modules: number;
  readonly apart: number;
  readonly products: DeltaProducts;
  /** Whether the sum of all deltas is zero, though some are not. */
  readonly cancelled: boolean;
  readonly bases: readonly string[];
  readonly lost: readonly LostInput[];
  /** Groups of adapters that began with the same A. */
  readonly sharedStart: readonly (readonly number[])[];
  /** The warnings of the merge that is recommended, or why it is refused. */
  readonly planned: { readonly warnings: readonly Warning[]; readonly rank: number } | { readonly refused: string };
  /** What is to be said of adapters that were made of others of the set. */
  readonly merges: readonly string[];
  /** Of the sum of all deltas. */
  readonly energies: EnergyByRank;
}

/** What speaks against merging a set, or should be known: problems first. */
export function setFindings(set: FoundSet): AuditFinding[] {
  const { planned } = set;
  const found: AuditFinding[] = [
    ...("refused" in planned
      ? [{ level: "problem", id: "refused", text: planned.refused } as const, ...differentBases(set)]
      : planned.warnings.map(({ id, text }) => ({ level: levelOf(id, set), id, text }))),
    ...cancelled(set),
    ...zeroModules(set),
    ...same(set),
    ...set.merges.map((text) => ({ level: "problem", id: "counts-twice", text }) as const),
    ...lost(set),
    ...sharedStart(set),
    ...outliers(set),
    ...lowRank(set),
    ...notCompared(set),
  ];
  return [...found.filter(({ level }) => level === "problem"), ...found.filter(({ level }) => level === "note")];
}

/** The adapters that the sum of all would lose. */
export function lostInSum(adapters: readonly Adapter[], products: DeltaProducts): LostInput[] {
  const having = moduleNames(adapters).map((name) =>
    adapters.flatMap(({ modules }, t) => (modules.has(name) ? t : [])),
  );
  const apart = apartOf(having, adapters.length);
  const inputs = adapters.map(({ name }, t) => ({ name, t, weight: 1, apart: apart.has(t) }));
  return lostInputs(
    inputs,
    products,
    sumFigures(products).map(({ cosine }) => cosine),
  );
}

/** Bases are a problem if two names mean different models; others may be one model under two names. */
function levelOf(id: Warning["id"], { bases }: FoundSet): AuditFinding["level"] {
  const different = bases.some((one) => bases.some((other) => sameBase(one, other) === "different"));
  return id === "different-base" && different ? "problem" : "note";
}

/** What the plan would warn of, where there is none. */
function differentBases(set: FoundSet): AuditFinding[] {
  if (set.bases.length < 2) return [];
  const text = `The adapters name different base models (${set.bases.join(", ")}).`;
  return [{ level: levelOf("different-base", set), id: "different-base", text }];
}

function cancelled({ cancelled: zero }: FoundSet): AuditFinding[] {
  if (!zero) return [];
  const text =
    "The adapters cancel each other out: their sum is zero. Leave one out, or pass weights that do not cancel.";
  return [{ level: "problem", id: "zero-result", text }];
}

function zeroModules({ adapters }: FoundSet): AuditFinding[] {
  return adapters.flatMap(({ name, zeroModules: zero, modules }) =>
    zeroWarnings(name, zero, modules).map(({ id, text }) =>
      id === "zero-adapter" ? { level: "problem", id, text } : { level: "note", id, text: `${name}: ${text}` },
    ),
  );
}

function same({ adapters, products }: FoundSet): AuditFinding[] {
  const used = adapters.map(({ name }, t) => ({ name, t }));
  return sameAdapters(used, products).map(({ id, text }) => ({ level: "problem", id, text }));
}

function lost({ lost: small }: FoundSet): AuditFinding[] {
  return small.map(({ name, times, cosine }) => ({
    level: "problem",
    id: "lost-adapter",
    text: `${name} would be lost: its deltas are ${smaller(times)} than the others' and have cosine ${cosine.toFixed(3)} with the sum; ${balancingWeight(times, times)}.`,
  }));
}

function sharedStart({ adapters, sharedStart: groups }: FoundSet): AuditFinding[] {
  return groups.map((group) => {
    const who = group.length === adapters.length ? "All" : listed(group.map((t) => adapters[t]!.name));
    const text = `${who} began with the same random A (one training seed): their units are alike by number, which LEGO groups by.`;
    return { level: "note", id: "same-start", text };
  });
}

function outliers({ adapters }: FoundSet): AuditFinding[] {
  return adapters.flatMap(({ name, outliers: count, modules, zeroModules: zero }) => {
    if (2 * count <= modules - zero) return [];
    const text = `${name} has one direction in most modules: the first singular value is over ${OUTLIER_TIMES} times the second in ${count} of ${modules}; --after svc calibrates those of a merge.`;
    return [{ level: "note", id: "outliers", text }];
  });
}

function lowRank({ planned, energies, cancelled: sumIsZero }: FoundSet): AuditFinding[] {
  if ("refused" in planned || sumIsZero) return [];
  const room = energies.heldBy(planned.rank);
  if (room === null || !isTooLow(room)) return [];
  const text = `Rank ${planned.rank}, which a merge takes by itself, can hold ${percentBeside(room, LEAST_ROOM)} of the energy of the adapters' sum; ${percent(LEAST_ROOM)} takes rank ${energies.rankFor(LEAST_ROOM)}.`;
  return [{ level: "note", id: "rank-too-low", text }];
}

function notCompared({ modules, apart }: FoundSet): AuditFinding[] {
  if (apart === 0) return [];
  const text = `Adapters are not compared in ${apart} of ${plural(modules, "module")}, which ${apart === 1 ? "has" : "have"} more than ${MAX_UNITS} units: whether one is lost or passed twice is not known, nor how alike they are.`;
  return [{ level: "note", id: "not-compared", text }];
}
