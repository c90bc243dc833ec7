import type { Adapter } from "../../adapter/adapter.ts";
import { refuseMisfits, refuseMixedNames } from "../../adapter/compatibility.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { plural } from "../../core/plural.ts";
import { normOf } from "../../figures/delta.ts";
import { clustersPurity, type Purity } from "../../figures/purity.ts";
import { mostAlike } from "../../figures/shared-start.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { AUTO, adviceFor, chooseMethod } from "../../methods/auto.ts";
import { methodById } from "../../methods/registry.ts";
import type { RankedMethod, ShapedParts } from "../../plan/auto-rank.ts";
import { underOneName } from "../../plan/one-name.ts";
import type { Warning } from "../../plan/warning.ts";
import type { LooseRecipe } from "../../recipe/recipe.ts";
import { apartOf } from "../../report/apart.ts";
import { leastKept } from "../../report/badly-kept.ts";
import type { AnyFix } from "../../report/fixes.ts";
import { type Kept, keptOf } from "../../report/kept.ts";
import { hiddenAdapters, lostAdapters } from "../../report/lost-adapters.ts";
import { rankOfAuto } from "../../report/next-merges.ts";
import { type RankNeeds, rankNeeds } from "../../report/rank-rule.ts";
import { sameAdapters } from "../../report/same-adapters.ts";
import { moduleNames } from "../pools.ts";
import { balancingWeights } from "./balancing-weights.ts";
import { fittedFixes, type MadeAt } from "./fitted-fixes.ts";
import { type KnownMerge, type MergedFigures, mergedFigures } from "./merged-figures.ts";
import { CLUSTERS, isResultOf, type RecordedClusters } from "./recorded-clusters.ts";
import { remedies } from "./remedies.ts";
import { isByWeight, isComputed, type Signature, signatures } from "./signatures.ts";

const STRANGE = "Pass the adapters that it was made of; if these are, merge again with other weights.";
const UNMENDED = "Merge again with other weights, or by another method.";

/** No method of a recipe, so that auto is always another one. */
const UNNAMED = "";

/** A merged adapter, measured against the adapters that it was made of. Arrays over adapters follow the user's order. */
export interface MergedAudit extends MergedFigures {
  readonly name: string;
  readonly adapters: readonly string[];
  /** The weight of each adapter in modules that have no weights of their own; null if they are not known, and count as 1. */
  readonly weights: readonly number[] | null;
  /** What recipe.yaml says, if the adapters are not those of the merge: nothing is advised then. null if they are, or nothing is known. */
  readonly mismatch: string | null;
  /** Modules that were compared, and how many the adapters have besides. */
  readonly modules: number;
  readonly leftOut: number;
  /** Of all clusters; null if they are not known. */
  readonly purity: Purity | null;
  /** What the result holds of each adapter, as a word; null if the adapter is zero. */
  readonly kept: readonly (Kept | null)[];
  readonly signatures: readonly Signature[];
  /** What to try next: why, and the command to copy; null if words are all there is. */
  readonly next: readonly { readonly why: string; readonly how: string | null }[];
  /** What else to keep in mind, one sentence each. */
  readonly notes: readonly string[];
  /** What was not looked at, as parts of a sentence that begins with "not looked at:". */
  readonly unseen: readonly string[];
  /** Whether no signature was found, and nothing says that it was made of other adapters. */
  readonly good: boolean;
}

/** What is known of a merge besides its result. */
export interface RecordedMerge extends KnownMerge {
  /** null if they are not known. */
  readonly weights: readonly number[] | null;
  /** What has to be said to make it again; null if it is not known. */
  readonly recipe: LooseRecipe | null;
  /** From `askedRank`; null where it is not known. */
  readonly asked: number | null;
  /** Whether its rank is the one that `--method auto` takes for these adapters. */
  readonly rankByAuto?: boolean;
  /** null if they are not known. */
  readonly clusters: RecordedClusters | null;
  readonly unseen: readonly string[];
  /** What is wrong with the adapters that were passed; null if nothing is, or nothing is known. */
  readonly mismatch: string | null;
}

/**
 * Recognise how a merge fails from its result, its inputs and what is recorded about it. Deterministic.
 *
 * @param command the command line of a remedy
 * @throws RefusedError for adapters of different models or shapes, or that share no module with the result
 */
export async function auditMergedAdapter(
  kernels: Kernels,
  result: Adapter,
  inputs: readonly Adapter[],
  recorded: RecordedMerge,
  command: (fix: AnyFix) => string,
): Promise<MergedAudit> {
  const { adapters } = underOneName([...inputs, result]);
  refuseMisfits(adapters, true, false);
  refuseMixedNames(adapters);
  const [merged, given] = [adapters.at(-1)!, adapters.slice(0, -1)];
  const all = moduleNames(given);
  const names = all.filter((name) => merged.modules.has(name));
  // No module in common: this says why.
  if (names.length === 0) refuseMisfits([merged, given[0]!], false, false);
  const { figures, products, weighted, start } = await mergedFigures(kernels, merged, given, names, recorded);
  const own = recorded.clusters !== null && isResultOf(recorded.clusters.of, figures) ? recorded.clusters : null;
  const clusters = own?.modules ?? null;
  const purity = clusters === null ? null : clustersPurity(clusters);
  const scales = recorded.method.weights === "linear";
  const parts = partsOf(given, names);
  const apart = apartOf(
    parts.map((module) => module.parts.map(({ input }) => input)),
    inputs.length,
  );
  const losable = inputs.map(({ name }, t) => ({
    name,
    t,
    weight: oneWeight(recorded, names, t),
    apart: apart.has(t),
  }));
  const lost = [
    ...lostAdapters(losable, scales ? weighted : products, figures.cosines, scales),
    ...strangers(
      losable.filter(({ weight }) => weight !== 0),
      given,
      names,
    ),
  ];
  const kept = losable.map(({ t, apart: alone }) => keptOf(figures.shares[t]!, figures.cosines[t]!, alone));
  const hidden = hiddenAdapters(losable, figures, lost);
  const acts = inputs.map((_, t) => normOf(products, t) > 0);
  const acting = acts.filter(Boolean).length;
  const least = leastKept(
    inputs.map(({ name }) => name),
    weighted,
  );
  const alike = mostAlike(start.groups(), acts);
  const forEnergy = figures.rankForMost;
  const needsOf = (method: RankedMethod, counts: readonly boolean[] = acts): RankNeeds =>
    rankNeeds({ modules: parts, acts: acts.map((own, t) => own && counts[t]!), alike, forEnergy }, method);
  const auto = methodById(chooseMethod(acting, false).method);
  const needs = needsOf(recorded.method);
  const found = signatures({
    figures,
    grouped: { purity, alike: alike && groupsAsStored(recorded) },
    lost,
    hidden,
    least: recorded.weights === null ? null : least,
    needs,
    weighed: recorded.weights !== null,
  });
  const is = (id: Signature["id"]): boolean => found.some((own) => own.id === id && own.found === true);
  // A rank without room for an adapter loses it.
  const unexplained = hidden.length > 0 && !is("rank-too-low") && !is("badly-kept");
  const byAuto = isByAuto(recorded, acting, figures);
  const made: MadeAt = {
    rank: figures.rank,
    recipe: recorded.recipe,
    byAuto,
    rankByAuto: recorded.rankByAuto === true,
    weights: recorded.weights ?? inputs.map(() => 1),
    method: recorded.method,
    auto,
    needsOf,
  };
  // A merge that is made again for another reason holds other shares.
  const remade = (["rank-too-low", "mixed-clusters", "no-direction", "lost-adapter"] as const).some(is);
  const byWeight = least !== null && isByWeight(least.times, figures.rank, needs) && !remade;
  const balance = byWeight ? await balancingWeights(kernels, given, { held: products, weighted }, made) : null;
  const fixes = remedies({
    method: recorded.method.id,
    ofImages: ofImageModel(names),
    oneRank: new Set([...merged.modules.values()].map(({ rank }) => rank)).size === 1,
    figures,
    signatures: found,
    lost: await fittedFixes(kernels, given, lost, made),
    balance: balance?.fix ?? null,
    advice: byAuto ? null : adviceOf(recorded, acting),
    byAuto,
    hidden: unexplained,
    needs,
    asked: recorded.asked,
    fittingAuto: rankOfAuto(needsOf(auto), figures.rank),
    scale: scaleOf(recorded, acting),
    weighed: recorded.weights !== null,
  });
  const { mismatch } = recorded;
  const leftOut = all.length - names.length;
  return {
    name: result.name,
    adapters: inputs.map(({ name }) => name),
    weights: recorded.weights,
    mismatch,
    modules: names.length,
    leftOut,
    ...figures,
    purity,
    kept,
    signatures: found,
    next:
      mismatch !== null
        ? []
        : [
            ...(unexplained || is("no-direction") ? strange(recorded, fixes.length > 0) : []),
            ...(balance !== null && balance.fix === null ? [{ why: balance.why, how: null }] : []),
            ...fixes.map((fix) => ({ why: `${fix.why}${unknownFlags(fix, recorded)}`, how: command(fix) })),
          ],
    notes: [
      ...sameAdapters(
        losable.filter(({ t }) => acts[t]),
        products,
      ).map(({ text }) => text),
      ...(leftOut === 0
        ? []
        : [`${plural(leftOut, "module")} of the adapters ${leftOut === 1 ? "is" : "are"} not in the result.`]),
    ],
    unseen: [
      // What the adapters began with tells mixed clusters too.
      ...recorded.unseen.filter((what) => !(is("mixed-clusters") && what.startsWith(`${CLUSTERS} `))),
      ...(own === recorded.clusters ? [] : [`${CLUSTERS} (the report beside it is about another result)`]),
      ...(own !== null && clusters === null ? [`${CLUSTERS} (the method does not cluster)`] : []),
    ],
    good: mismatch === null && found.every((signature) => signature.found !== true),
  };
}

/** The adapters' parts of each module. */
function partsOf(adapters: readonly Adapter[], names: readonly string[]): ShapedParts[] {
  return names.map((name) => ({
    parts: adapters.flatMap(({ modules }, input) => {
      const module = modules.get(name);
      return module === undefined ? [] : [{ input, module }];
    }),
  }));
}

/** The factor of the result that can be changed by merging again; null if it is not known, or was computed. */
function scaleOf({ recipe }: RecordedMerge, acting: number): number | null {
  const scale = recipe === null || acting < 2 ? null : (recipe.scale ?? 1);
  return scale === "auto" ? null : scale;
}

/** Whether a merge is what `--method auto` makes, whatever its recipe calls it: one that was carried out has the factor that was computed. */
function isByAuto({ recipe }: RecordedMerge, acting: number, { autoScale }: MergedFigures): boolean {
  if (recipe === null || acting < 2 || Object.keys(recipe.options ?? {}).length > 0) return false;
  const { method, scale } = chooseMethod(acting, false);
  return recipe.method === AUTO || (recipe.method === method && scale === "auto" && isComputed(autoScale));
}

/** What `--method auto` would take instead; null if that is what was made. */
function adviceOf({ recipe }: RecordedMerge, acting: number): string | null {
  return adviceFor(acting, false, recipe?.method ?? UNNAMED, recipe?.scale ?? 1);
}

/** What to say of a result that does not show its adapters. @param mended whether a command is named that mends it */
function strange({ recipe }: RecordedMerge, mended: boolean): MergedAudit["next"] {
  // The recipe names these adapters.
  if (recipe !== null) return mended ? [] : [{ why: UNMENDED, how: null }];
  return [{ why: STRANGE, how: null }];
}

/** What to add to a command that makes a merge again. */
function unknownFlags(fix: AnyFix, { recipe }: RecordedMerge): string {
  const complete = recipe !== null || "factor" in fix || "energy" in fix || fix.method !== undefined;
  return complete ? "" : " Add the flags that it was merged with, which are not recorded.";
}

/** Adapters with no module that was compared, which the result cannot have been made of. @param used those that it was made of by its weights */
function strangers(
  used: readonly { readonly name: string; readonly t: number }[],
  adapters: readonly Adapter[],
  names: readonly string[],
): Warning[] {
  const strange = used.filter(({ t }) => !names.some((name) => adapters[t]!.modules.has(name)));
  return strange.map(({ name }) => ({
    id: "lost-adapter",
    text: `${name} has none of the result's modules: pass the adapters that it was made of.`,
  }));
}

/** The weight of an adapter in these modules; null if they differ. */
function oneWeight({ weightsOf }: RecordedMerge, names: readonly string[], t: number): number | null {
  const weights = new Set(names.map((name) => weightsOf(name)[t]!));
  const [only] = weights;
  return weights.size === 1 ? only! : null;
}

/** Whether units are grouped as they are stored, which have numbers of one start in common. */
function groupsAsStored({ method, recipe }: RecordedMerge): boolean {
  return method.cut === "clusters" && (method.namesStoredUnits?.(recipe?.options ?? {}) ?? true);
}
