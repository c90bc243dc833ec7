import type { Adapter } from "../../adapter/adapter.ts";
import { shownModel } from "../../adapter/shown-model.ts";
import { freeNamesFrom } from "../../core/free-names.ts";
import { seededRandom } from "../../core/random.ts";
import { cosineBetween, inputProducts, normOf } from "../../figures/delta.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { underOneName } from "../../plan/one-name.ts";
import { MOST_WEIGHT_RATIO } from "../../recipe/check-weights.ts";
import { type LostInput, twoDigits } from "../../report/lost-adapters.ts";
import { repeatedInputs } from "../../report/same-adapters.ts";
import { isStreamed } from "../../units/memory.ts";
import { moduleNames, readPool } from "../pools.ts";
import { SignSample } from "../sign-sample.ts";
import type { AuditedAdapter } from "./adapter-tally.ts";
import { allowedPlan, planOf } from "./allowed-plan.ts";
import { type ConsumerVerdict, consumerVerdicts } from "./consumer-verdicts.ts";
import { energiesOf } from "./energies-of.ts";
import type { KindConflict } from "./kind-conflicts.ts";
import { type Recommendation, recommend } from "./recommend.ts";
import type { SetFacts } from "./set-facts.ts";
import { type AuditFinding, lostInSum, setFindings } from "./set-findings.ts";
import { SetTally } from "./set-tally.ts";
import { sumFigures } from "./sum-figures.ts";

/** The facts about a set of adapters before merging. Arrays over adapters follow the user's order. */
export interface Audit {
  readonly adapters: readonly AuditedAdapter[];
  /** The base models that they name, each once. */
  readonly bases: readonly string[];
  /** The image or video model that they are for, by their modules: its family, or that it is one; null for other models. */
  readonly model: string | null;
  /** How many modules any of them changes, and how many all of them change. */
  readonly modules: number;
  readonly sharedModules: number;
  /** Cosine of each pair of adapters' deltas, (T, T); null if one is zero, or they share no module. */
  readonly similarity: readonly (readonly (number | null)[])[];
  /** Mean cosine of the rows of A with the same number, (T, T); null on the diagonal, and if two adapters share no module. */
  readonly starts: readonly (readonly (number | null)[])[];
  /** Groups of at least two adapters that began with the same A, by position. */
  readonly sharedStart: readonly (readonly number[])[];
  /** By kind of layer, most cancelling first. */
  readonly conflicts: readonly KindConflict[];
  readonly consumers: readonly ConsumerVerdict[];
  /** Problems first. */
  readonly findings: readonly AuditFinding[];
  /** null if the set cannot be merged. */
  readonly recommendation: Recommendation | null;
  /** Whether no problem was found. */
  readonly good: boolean;
}

/** What the place of a set tells, and not its files. */
export interface KnownOfSet {
  /** The adapters that were made of others of the set, by position: what is to be said of each, and whether all of them are in it. Default: none. */
  readonly merges?: ReadonlyMap<number, { readonly text: string; readonly whole: boolean }>;
  /** Names outputs of commands, never the same twice. Default: no name is taken. */
  free?(path: string): string;
}

/**
 * Look at a set of adapters before merging: one pass over the modules, all from Gram matrices, sums in f64. Deterministic.
 *
 * @param paths the adapters' paths as the user wrote them, for the command that is recommended
 * @param known what its place tells of the set
 * @throws RefusedError for adapters of different models or shapes
 */
export async function auditSet(
  kernels: Kernels,
  given: readonly Adapter[],
  paths: readonly string[],
  known: KnownOfSet = {},
): Promise<Audit> {
  const { adapters } = underOneName(given);
  const tally = new SetTally(adapters);
  const random = seededRandom(0);
  for (const name of moduleNames(adapters)) {
    if (isStreamed(adapters.flatMap(({ modules }) => modules.get(name) ?? []))) {
      await tally.addApart(kernels, name);
      continue;
    }
    const pool = (await readPool(kernels, adapters, name))!;
    const signs = await SignSample.draw(pool, random.below, adapters.length);
    tally.add(name, pool, inputProducts(pool, adapters.length), signs.conflictsBetween());
  }
  return auditOf(kernels, given, paths, tally, known);
}

/**
 * The audit of a set whose modules were read. They are read again where an adapter is lost, for the sums with and without it.
 *
 * @param tally of all modules that any of the adapters changes
 */
export async function auditOf(
  kernels: Kernels,
  given: readonly Adapter[],
  paths: readonly string[],
  tally: SetTally,
  { merges = new Map(), free = freeNamesFrom(1, () => false) }: KnownOfSet = {},
): Promise<Audit> {
  const { adapters, products, start } = tally;
  const names = moduleNames(adapters);
  const sums = sumFigures(products);
  const facts = tally.tallies.map((own, t) => own.facts(adapters[t]!, normOf(products, t), sums[t]!.share));
  const repeated = repeatedInputs(products);
  const counted = (t: number): boolean => !repeated.has(t) && !merges.has(t);
  const small = lostInSum(adapters, products).filter(({ t }) => counted(t));
  const lost = small.filter(({ times }) => times <= MOST_WEIGHT_RATIO);
  // No weight brings these to the size of the others.
  const faint = small.filter(({ times }) => times > MOST_WEIGHT_RATIO);
  const acts = facts.map(({ norm }, t) => norm > 0 && counted(t) && !faint.some((other) => other.t === t));
  const weights =
    lost.length === 0 ? null : facts.map((_, t) => Number(twoDigits(lost.find((other) => other.t === t)?.times ?? 1)));
  const planned = planOf(given, weights, acts.filter(Boolean).length);
  const counts = facts.map((_, t) => (counted(t) ? (weights?.[t] ?? 1) : 0));
  const energies = counts.every((count) => count === 1)
    ? tally.energies
    : (await energiesOf(kernels, adapters, [counts]))[0]!;
  const kept = lost.length === 0 ? { acts, energies } : await keptOf(kernels, adapters, acts, lost);
  const sharedStart = start.groups();
  const cancelled = tally.apart === 0 && acts.includes(true) && sums.every(({ share }) => share === null);
  const bases = [...new Set(given.flatMap(({ baseModel }) => baseModel ?? []))];
  const set = {
    adapters: facts,
    modules: names.length,
    apart: tally.apart,
    products,
    cancelled,
    bases,
    lost: small,
    sharedStart,
    planned,
    energies,
    merges: Array.from(merges.values(), ({ text }) => text),
  };
  const findings = setFindings(set);
  const allowed = allowedPlan(planned, given, (own) => planOf(given, weights, acts.filter(Boolean).length, own));
  // Beside a merge of others, too, the rest is no set; and an adapter alone is no merge.
  const torn = [...merges.values()].some(({ whole }) => !whole);
  const lone = merges.size + repeated.size > 0 && acts.filter(Boolean).length < 2;
  const repeats = [...repeated].map(([t, of]) => ({ name: adapters[t]!.name, of: adapters[of]!.name }));
  const shareModules = (t: number, u: number): boolean =>
    [...adapters[t]!.modules.keys()].some((name) => adapters[u]!.modules.has(name));
  return {
    adapters: facts,
    bases,
    model: shownModel(given),
    modules: names.length,
    sharedModules: names.filter((name) => adapters.every(({ modules }) => modules.has(name))).length,
    similarity: facts.map((_, t) => facts.map((_, u) => (shareModules(t, u) ? cosineBetween(products, t, u) : null))),
    starts: facts.map((_, t) => facts.map((_, u) => (t === u ? null : start.cosine(t, u)))),
    sharedStart,
    conflicts: tally.conflicts.rows,
    consumers: consumerVerdicts(given),
    findings,
    recommendation:
      allowed === null || cancelled || torn || lone || !acts.includes(true)
        ? null
        : recommend(allowed.plan, {
            paths,
            free,
            extras: allowed.policy.extras ?? null,
            allowPartial: allowed.policy.allowPartial ?? false,
            formats: given.map(({ format }) => format),
            acts,
            repeats,
            merges: [...merges.keys()].map((t) => adapters[t]!.name),
            faint: faint.map(({ name }) => name),
            sharedStart,
            shareOfB: tally.shareOfB,
            weights,
            energies,
            lost,
            kept,
          }),
    good: findings.every(({ level }) => level === "note"),
  };
}

/** The adapters that the sum of all does not lose, and their own sum. */
async function keptOf(
  kernels: Kernels,
  adapters: readonly Adapter[],
  acts: readonly boolean[],
  lost: readonly LostInput[],
): Promise<SetFacts["kept"]> {
  const kept = acts.map((own, t) => own && !lost.some((other) => other.t === t));
  const [energies] = await energiesOf(kernels, adapters, [kept.map(Number)]);
  return { acts: kept, energies: energies! };
}
