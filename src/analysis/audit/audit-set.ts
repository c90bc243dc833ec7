import type { Adapter } from "../../adapter/adapter.ts";
import { LoraLegoError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { cosineBetween, inputProducts, normOf } from "../../figures/delta.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { underOneName } from "../../plan/one-name.ts";
import { makePlan } from "../../plan/plan.ts";
import { twoDigits } from "../../report/lost-adapters.ts";
import { isStreamed } from "../../units/memory.ts";
import { moduleNames, readPool } from "../pools.ts";
import { SignSample } from "../sign-sample.ts";
import type { AuditedAdapter } from "./adapter-tally.ts";
import { type ConsumerVerdict, consumerVerdicts } from "./consumer-verdicts.ts";
import type { KindConflict } from "./kind-conflicts.ts";
import { type Recommendation, recommend } from "./recommend.ts";
import { type AuditFinding, lostInSum, setFindings } from "./set-findings.ts";
import { SetTally } from "./set-tally.ts";
import { sumFigures } from "./sum-figures.ts";

/** The facts about a set of adapters before merging. Arrays over adapters follow the user's order. */
export interface Audit {
  readonly adapters: readonly AuditedAdapter[];
  /** The base models that they name, each once. */
  readonly bases: readonly string[];
  /** How many modules any of them changes, and how many all of them change. */
  readonly modules: number;
  readonly sharedModules: number;
  /** Cosine of each pair of adapters' deltas, (T, T); null if one is zero. */
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

/**
 * Look at a set of adapters before merging: one pass over the modules, all from Gram matrices, sums in f64. Deterministic.
 *
 * @param paths the adapters' paths as the user wrote them, for the command that is recommended
 * @throws RefusedError for adapters of different models or shapes
 */
export async function auditSet(kernels: Kernels, given: readonly Adapter[], paths: readonly string[]): Promise<Audit> {
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
  return auditOf(given, paths, tally);
}

/**
 * The audit of a set whose modules were read.
 *
 * @param tally of all modules that any of the adapters changes
 */
export function auditOf(given: readonly Adapter[], paths: readonly string[], tally: SetTally): Audit {
  const { adapters, products, start, energies } = tally;
  const names = moduleNames(adapters);
  const sums = sumFigures(products);
  const facts = tally.tallies.map((own, t) => own.facts(adapters[t]!, normOf(products, t), sums[t]!.share));
  const acts = facts.map(({ norm }) => norm > 0);
  const lost = lostInSum(facts, products);
  const weights =
    lost.length === 0 ? null : facts.map((_, t) => Number(twoDigits(lost.find((other) => other.t === t)?.times ?? 1)));
  const planned = planOf(given, weights, acts.filter(Boolean).length);
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
    lost,
    sharedStart,
    planned,
    energies,
  };
  const findings = setFindings(set);
  return {
    adapters: facts,
    bases,
    modules: names.length,
    sharedModules: names.filter((name) => adapters.every(({ modules }) => modules.has(name))).length,
    similarity: facts.map((_, t) => facts.map((_, u) => cosineBetween(products, t, u))),
    starts: facts.map((_, t) => facts.map((_, u) => (t === u ? null : start.cosine(t, u)))),
    sharedStart,
    conflicts: tally.conflicts.rows,
    consumers: consumerVerdicts(given),
    findings,
    recommendation:
      "refused" in planned || cancelled || !acts.includes(true)
        ? null
        : recommend(planned, { paths, acts, sharedStart, weights, energies }),
    good: findings.every(({ level }) => level === "note"),
  };
}

/** The plan of the merge that is recommended, or why it is refused. */
function planOf(
  adapters: readonly Adapter[],
  weights: readonly number[] | null,
  acting: number,
): MergePlan | { readonly refused: string } {
  try {
    return makePlan(adapters, weights === null ? {} : { weights }, { acting });
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    return { refused: error.message };
  }
}
