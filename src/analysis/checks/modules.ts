import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { type Consumer, missingLayers, paddedRank, shapeOfGap, startedFor } from "../../adapter/consumers.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { numberedList, renamedForTrainer } from "../../adapter/names/numbered.ts";
import { stackGaps } from "../../adapter/stacked.ts";
import { areMany, differs, type Finding, fails, note, short } from "./finding.ts";

/** Whether an adapter belongs to models that a consumer does not run: then nothing else matters. */
export function otherModels({ format, modules }: Adapter, { title, models }: Consumer): Finding | null {
  const [first] = modules.keys();
  if (first === undefined) return null;
  const numbered = [...modules.keys()].find((name) => numberedList(name) !== null);
  if (numbered !== undefined) {
    const load = format === "peft" ? renamedForTrainer(numbered) : "load it with that code";
    return fails(
      `${title} finds modules by their names, but this adapter numbers them (such as ${numbered}), as the code that trained it does; ${load}.`,
    );
  }
  const image = ofImageModel(modules.keys());
  if (models === "language" && image) {
    return fails(`${title} runs language models, but ${first} belongs to an image model; use diffusers or ComfyUI.`);
  }
  // Programs that load kohya files know their names with dots.
  if (models !== "image" || image || format === "kohya") return null;
  return fails(
    `${title} adapts image models, but ${first} is not a module of one; load it in a program that runs its base model.`,
  );
}

export function checkKinds({ modules }: Adapter, { title, kinds }: Consumer): Finding[] {
  const odd = [...modules.values()].filter(({ kind }) => !kinds[kind]);
  const [first] = odd;
  if (first === undefined) return [];
  return [
    fails(
      `${title} adapts no ${first.kind} modules, but there ${areMany(odd.length, "is one", "")} (such as ${first.name}); leave them out with lora-lego merge --exclude, which loses their effect.`,
    ),
  ];
}

export function checkRanks({ modules }: Adapter, consumer: Consumer): Finding[] {
  const { title, ranks, mostRank } = consumer;
  const distinct = [...new Set(Array.from(modules.values(), ({ rank }) => rank))].sort((one, other) => one - other);
  const largest = distinct.at(-1);
  if (largest === undefined) return [];
  if (mostRank !== null && largest > mostRank) {
    return [
      fails(`${title} takes rank ${mostRank} at most, but a module has rank ${largest}; cut it to rank ${mostRank}.`, {
        rank: mostRank,
      }),
    ];
  }
  if (ranks !== null && distinct.some((rank) => !ranks.includes(rank))) {
    return [
      differs(
        `${title} pads rank ${distinct.join(", ")} to one of ${ranks.join(", ")} and scales by the padded rank, so the delta shrinks; write rank ${paddedRank(consumer, largest)}.`,
        { fitted: true },
      ),
    ];
  }
  const start = startedFor(consumer, largest);
  return start === null ? [] : [note(start)];
}

/** Whether every module has the scale that a consumer reads for it. */
export function checkScales({ modules, statedScale, peft }: Adapter, consumer: Consumer): Finding[] {
  const { id, title, differing, formats, rslora } = consumer;
  const [first] = modules.values() as IterableIterator<AdapterModule | undefined>;
  if (first === undefined || !formats.includes("peft")) return [];
  if (differing === "all") {
    const patterned = peft !== null && (peft.rankPattern.length > 0 || peft.alphaPattern.length > 0);
    if (id !== "vllm" || !patterned) return [];
    return [note(`releases of ${title} before ${consumer.version} may ignore rank_pattern and alpha_pattern.`)];
  }
  const read = peft !== null && !rslora ? peft.alpha / peft.rank : (statedScale ?? first.scale);
  const scaled = [...modules.values()].find((module) => module.scale !== read);
  if (scaled !== undefined) {
    return [
      differs(
        `${title} reads one lora_alpha / r for all modules (${short(read)}${peft?.rslora && !rslora ? ", use_rslora ignored" : ""}), but ${scaled.name} has scale ${short(scaled.scale)}; fold the scales in.`,
        { fitted: true },
      ),
    ];
  }
  const rank = peft?.rank ?? first.rank;
  const ranked = [...modules.values()].find((module) => module.rank !== rank);
  if (ranked === undefined) return [];
  return [
    differs(
      `${title} reads one rank for all modules (${rank}), but ${ranked.name} has rank ${ranked.rank}; write one rank.`,
      { fitted: true },
    ),
  ];
}

export function checkLayers({ modules }: Adapter, { title, everyLayer }: Consumer): Finding[] {
  const missing = everyLayer ? [...missingLayers(modules.keys())] : [];
  const [first] = missing;
  if (first === undefined) return [];
  const [type, layers] = first;
  const others = missing.length === 1 ? "" : `, and ${missing.length - 1} more types lack layers`;
  return [
    differs(
      `${title} drops module types that are not adapted in every layer: ${type} lacks layer ${layers.slice(0, 5).join(", ")}${layers.length > 5 ? ", ..." : ""}${others}; write zero factors there.`,
      { fitted: true },
    ),
  ];
}

/** Whether all modules that a consumer stacks with adapted ones are adapted too. */
export function checkStacks({ modules }: Adapter, { title, stacks }: Consumer): Finding[] {
  const gaps = stacks ? stackGaps(modules.keys()) : [];
  const unknown = gaps.find((gap) => shapeOfGap(gap, modules.values()) === null);
  const first = unknown ?? gaps[0];
  if (first === undefined) return [];
  const others = gaps.length === 1 ? "" : `, and ${gaps.length - 1} more such modules`;
  const way =
    unknown === undefined
      ? "write zero factors there"
      : `as none of its modules shows the size of that, merge it with an adapter that has it, or leave ${first.beside} out with --exclude`;
  return [
    fails(
      `${title} stacks ${first.beside} with ${first.lacking}, which is not adapted${others}; ${way}.`,
      unknown === undefined ? { fitted: true } : undefined,
    ),
  ];
}
