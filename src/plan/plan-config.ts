import type { Adapter } from "../adapter/adapter.ts";
import { lastLayers } from "../adapter/names/last-layers.ts";
import { isPath } from "../adapter/same-base.ts";
import { listed } from "../core/listed.ts";
import type { StoredModule } from "../formats/peft-folder/factors.ts";
import { type ConfiguredLora, peftConfig } from "../formats/peft-folder/write-config.ts";
import type { PlannedExtra } from "./merge-plan.ts";
import type { MergeParts } from "./plan-parts.ts";
import type { RankPlan } from "./plan-ranks.ts";
import type { Warning } from "./warning.ts";

/** The config of the result, and warnings where the inputs' configs differ. */
export function planConfig(
  { used, selection }: MergeParts,
  { modules, common, sharedScale }: RankPlan,
  zeros: readonly StoredModule[],
  extras: readonly PlannedExtra[],
  more: Pick<ConfiguredLora, "tokenIndices" | "invocationTokens">,
): { readonly config: Readonly<Record<string, unknown>>; readonly warnings: readonly Warning[] } {
  const { facts, warnings } = sharedFacts(used);
  const atRank = (rank: number) => ({ rank, alpha: sharedScale === null ? rank : Math.round(sharedScale * rank) });
  const config = peftConfig({
    ...facts,
    modules: [...modules, ...zeros].map(({ name, rank, parameter }) => ({
      name,
      ...atRank(rank),
      ...(parameter !== undefined && { parameter }),
    })),
    common: atRank(common),
    extras: extras.map(({ key }) => key),
    ...more,
    tiesWeights: used.every((adapter) => adapter.tiesWeights),
    sources: used,
    left: selection.left.map(
      ({ name }) => used.map(({ modules }) => modules.get(name)).find((module) => module !== undefined) ?? { name },
    ),
  });
  return { config, warnings };
}

/** What the inputs' configs agree on. */
interface SharedFacts {
  readonly baseModel: string | null;
  readonly taskType: string | null;
  readonly fanInFanOut: boolean;
}

/** Find what the inputs agree on, and warn where they differ. */
function sharedFacts(adapters: readonly Adapter[]): { facts: SharedFacts; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const bases = distinct(adapters.map(({ baseModel }) => baseModel));
  const shallow = bases.length > 1 ? endingEarly(adapters) : [];
  const named = bestNamed(distinct(adapters.filter((own) => !shallow.includes(own)).map(({ baseModel }) => baseModel)));
  if (bases.length > 1) {
    const shared = adapters.some((one, t) =>
      adapters.slice(t + 1).some(({ modules }) => [...one.modules.keys()].some((name) => modules.has(name))),
    );
    const depths =
      shallow.length === 0
        ? ""
        : named === null
          ? ", since none of them is known to have all layers of the result"
          : `, that of the adapter with the deepest layer: they differ in depth, and ${listed(shallow.map(({ name }) => name))} ${shallow.length === 1 ? "ends" : "end"} earlier`;
    const fit = shared ? "the shapes of the modules that they share agree" : "they have no module in common";
    warnings.push({
      id: "different-base",
      text: `The adapters name different base models (${bases.join(", ")}); ${fit}, and a PEFT folder names ${named ?? "none"}${depths}.`,
    });
  }
  const tasks = distinct(adapters.map(({ taskType }) => taskType));
  if (tasks.length > 1) {
    warnings.push({
      id: "different-task",
      text: `The adapters have different task types (${tasks.join(", ")}); the result names none.`,
    });
  }
  const fans = distinct(adapters.map(({ fanInFanOut }) => String(fanInFanOut)));
  if (fans.length > 1) {
    warnings.push({
      id: "different-fan",
      text: "The adapters differ in fan_in_fan_out, which PEFT sets by the kind of base layer; the result has true.",
    });
  }
  const [tying] = adapters.filter(({ tiesWeights }) => tiesWeights);
  const untied = adapters.find(({ tiesWeights }) => !tiesWeights);
  if (tying !== undefined && untied !== undefined) {
    warnings.push({
      id: "different-tying",
      text: `${tying.name} says that a head tied to the embedding follows its changes (ensure_weight_tying) and ${untied.name} does not, so the result leaves the head as the base has it; save both with ensure_weight_tying to keep the two alike.`,
    });
  }
  return {
    facts: {
      baseModel: named,
      taskType: tasks.length === 1 ? tasks[0]! : null,
      fanInFanOut: fans.includes("true"),
    },
    warnings,
  };
}

/** The base that others find best: a model by its owner and name on the Hub, and a path only where it was. */
function bestNamed(bases: readonly string[]): string | null {
  return (
    bases.find((base) => !isPath(base) && base.includes("/")) ?? bases.find((base) => !isPath(base)) ?? bases[0] ?? null
  );
}

/** The adapters that end at an earlier layer than another one, though none says that it leaves layers out: their bases may lack the rest. */
function endingEarly(adapters: readonly Adapter[]): Adapter[] {
  const ends = adapters.map(({ modules }) => lastLayers(modules.keys()));
  const deepest = new Map<string, number>();
  for (const [path, layer] of ends.flatMap((own) => [...own])) {
    deepest.set(path, Math.max(layer, deepest.get(path) ?? 0));
  }
  return adapters.filter(
    ({ someLayers }, t) => !someLayers && [...ends[t]!].some(([path, layer]) => layer < deepest.get(path)!),
  );
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))];
}
