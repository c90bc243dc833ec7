import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { type Consumer, missingLayers, paddedRank, startedFor } from "../adapter/consumers.ts";
import { ofImageModel } from "../adapter/names/components.ts";
import { refuseVariants } from "../adapter/variants.ts";

/** What is in the way of using an adapter, or what to mind. */
export interface Finding {
  /** fails: it does not load; differs: it loads and means something else; note: it works, as long as this is minded. */
  readonly level: "fails" | "differs" | "note";
  readonly text: string;
}

/**
 * Whether a consumer loads an adapter, and whether it means the same there: one finding per problem, each with its fix; none where all is
 * well. What only the base model tells (whether its modules exist there) is not seen.
 */
export function checkAdapter(adapter: Adapter, consumer: Consumer): Finding[] {
  refuseVariants(adapter);
  const modules = [...adapter.modules.values()];
  const foreign = otherModels(adapter, modules, consumer);
  if (foreign !== null) return [foreign];
  return [
    ...checkFormat(adapter, consumer),
    ...checkKinds(modules, consumer),
    ...checkRanks(modules, consumer),
    ...checkScales(adapter, modules, consumer),
    ...checkExtras(adapter, consumer),
    ...checkLayers(adapter, consumer),
  ];
}

const fails = (text: string): Finding => ({ level: "fails", text });
const differs = (text: string): Finding => ({ level: "differs", text });

function checkFormat({ format }: Adapter, { id, title, formats }: Consumer): Finding[] {
  if (formats.includes(format)) return [];
  const to = formats[0]!;
  return [
    fails(
      `${title} does not load ${format} files; write it with lora-lego convert --to ${to}, and check that with --for ${id}.`,
    ),
  ];
}

/** Whether an adapter belongs to models that a consumer does not run: then nothing else matters. */
function otherModels(
  { format }: Adapter,
  modules: readonly AdapterModule[],
  { title, models }: Consumer,
): Finding | null {
  const image = ofImageModel(modules.map(({ name }) => name));
  const [first] = modules as [AdapterModule];
  if (models === "language" && image) {
    return fails(
      `${title} runs language models, but ${first.name} belongs to an image model; use diffusers or ComfyUI.`,
    );
  }
  // Names that a kohya file has with dots are known to whoever loads them.
  if (models !== "image" || image || format === "kohya") return null;
  return fails(
    `${title} adapts image models, but ${first.name} is no module of one; load it where its base model runs.`,
  );
}

function checkKinds(modules: readonly AdapterModule[], { title, kinds }: Consumer): Finding[] {
  const odd = modules.filter(({ kind }) => !kinds.includes(kind));
  const [first] = odd;
  if (first === undefined) return [];
  return [
    fails(
      `${title} adapts no ${first.kind} modules, of which there ${count(odd.length, "is one", "are")} (as ${first.name}); leave them out with lora-lego merge --exclude, at the cost of what they do.`,
    ),
  ];
}

function checkRanks(modules: readonly AdapterModule[], consumer: Consumer): Finding[] {
  const { id, title, ranks, mostRank } = consumer;
  const distinct = [...new Set(modules.map(({ rank }) => rank))].sort((one, other) => one - other);
  const largest = distinct.at(-1)!;
  if (mostRank !== null && largest > mostRank) {
    return [
      fails(
        `${title} takes rank ${mostRank} at most, but a module has ${largest}; cut it with lora-lego resize --rank ${mostRank}.`,
      ),
    ];
  }
  if (ranks !== null && distinct.some((rank) => !ranks.includes(rank))) {
    return [
      differs(
        `${title} pads rank ${distinct.join(", ")} to one of ${ranks.join(", ")} and scales by the padded rank, so the delta shrinks; write rank ${paddedRank(consumer, largest)} with lora-lego merge --for ${id}.`,
      ),
    ];
  }
  const start = startedFor(consumer, largest, true);
  return start === null ? [] : [{ level: "note", text: start }];
}

function checkScales({ statedScale }: Adapter, modules: readonly AdapterModule[], consumer: Consumer): Finding[] {
  const { id, title, differing } = consumer;
  if (differing === "all" || !consumer.formats.includes("peft")) return [];
  const [first] = modules as [AdapterModule];
  const scale = statedScale ?? first.scale;
  const scaled = modules.find((module) => module.scale !== scale);
  if (scaled !== undefined) {
    return [
      differs(
        `${title} reads one lora_alpha / r for all modules (${short(scale)}), but ${scaled.name} has scale ${short(scaled.scale)}; fold the scales in with lora-lego merge --for ${id}.`,
      ),
    ];
  }
  const ranked = differing === "none" ? modules.find(({ rank }) => rank !== first.rank) : undefined;
  if (ranked === undefined) return [];
  return [
    differs(
      `${title} reads one rank for all modules, but ${first.name} has ${first.rank} and ${ranked.name} has ${ranked.rank}; write one rank with lora-lego merge --for ${id}.`,
    ),
  ];
}

function checkExtras({ extras }: Adapter, { title, formats, extras: loads }: Consumer): Finding[] {
  if (loads || extras.size === 0) return [];
  const [first] = extras.keys();
  return [
    fails(
      `${title} loads factors only, but there ${count(extras.size, "is a tensor", "are tensors")} beside them (as ${first}); leave them out with lora-lego convert --to ${formats[0]} --extras drop, if the task does not need them.`,
    ),
  ];
}

function checkLayers({ modules }: Adapter, { id, title, everyLayer }: Consumer): Finding[] {
  const missing = everyLayer ? [...missingLayers(modules.keys())] : [];
  const [first] = missing;
  if (first === undefined) return [];
  const [type, layers] = first;
  const others = missing.length === 1 ? "" : `, and ${missing.length - 1} more types lack some`;
  return [
    differs(
      `${title} drops a type of module that is not adapted in every layer: ${type} lacks layer ${layers.slice(0, 5).join(", ")}${layers.length > 5 ? ", ..." : ""}${others}; write zero factors there with lora-lego merge --for ${id}.`,
    ),
  ];
}

function count(number: number, one: string, many: string): string {
  return number === 1 ? one : many.replace(/^are/, `are ${number}`);
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
