import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { misfits } from "../../adapter/base-sizes.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { isHeadName } from "../../adapter/names/vocabulary.ts";
import { vllmLoraSupport } from "../../adapter/vllm-architectures.ts";
import { plural } from "../../core/plural.ts";
import { formatShape } from "../../core/shape.ts";
import type { BaseFacts } from "../base-facts.ts";
import { checkExtraSizes } from "./base-extras.ts";
import { type BasePlace, placesIn } from "./base-places.ts";
import { checkTied } from "./base-tied.ts";
import { undecidedFor } from "./encoder.ts";
import { differs, type Finding, fails } from "./finding.ts";

/** A base that nothing is known about. */
const UNKNOWN: BaseFacts = {
  name: "the base model",
  config: null,
  modules: null,
  naming: "transformers",
  family: null,
  tied: null,
};

/** Whether an adapter fits a base model in a consumer; what the base does not show goes to `unseen`. */
export function checkBase(adapter: Adapter, consumer: Consumer, base: BaseFacts | null, unseen: string[]): Finding[] {
  if (base === null) {
    unseen.push("whether the base model has these modules in these sizes (pass --base, or --base-config)");
    // If one tensor is both head and embedding, these refuse a change of it or change both.
    if (consumer.id === "llamacpp" || consumer.id === "mlx") checkTied(adapter, consumer, UNKNOWN, unseen);
    const undecided = undecidedFor(adapter, consumer, base);
    if (undecided === null) return checkArchitecture(adapter, consumer, UNKNOWN, unseen);
    unseen.push(undecided);
    return [];
  }
  // Checkpoints of image models name their weights by other rules than adapters do.
  if (isOfImages(adapter, consumer)) {
    unseen.push(`whether ${base.name} has these modules (modules of image models are not compared with a base)`);
    return [];
  }
  return [
    ...checkArchitecture(adapter, consumer, base, unseen),
    ...checkExtraSizes(adapter, consumer, base),
    ...checkTied(adapter, consumer, base, unseen),
  ];
}

function isOfImages({ modules }: Adapter, { models }: Consumer): boolean {
  return ofImageModel(modules.keys()) || models === "image";
}

const GPT2 = "GPT2LMHeadModel";

/** Why a server takes no LoRA at all for an adapter's model; null where it may. @param base null if nothing is known about it */
export function refusedModel(
  adapter: Adapter,
  { id, title, version }: Consumer,
  base: BaseFacts | null,
): Finding | null {
  const architecture = architectureOf(adapter, base ?? UNKNOWN);
  if (architecture === undefined) return null;
  // SGLang knows no sizes of these layers, and TGI looks for layers by Llama's names alone.
  const byNames = architecture === GPT2 && (id === "sglang" || id === "tgi");
  if (!byNames && !(id === "vllm" && vllmLoraSupport(architecture) === "none")) return null;
  const { name } = base ?? UNKNOWN;
  return fails(
    `${title} ${version} takes no LoRA for ${architecture} (${name}); fuse it into the base instead (lora-lego fuse).`,
    { fused: true },
  );
}

function architectureOf(adapter: Adapter, { config }: BaseFacts): string | undefined {
  return config === null ? shownArchitecture(adapter) : config.architectures[0];
}

/** Whether a server takes LoRA for the base's architecture, and for which of its layers. */
function checkArchitecture(adapter: Adapter, consumer: Consumer, base: BaseFacts, unseen: string[]): Finding[] {
  const { id, title, version } = consumer;
  if (id !== "vllm" && id !== "sglang" && id !== "tgi") return [];
  const refused = refusedModel(adapter, consumer, base);
  if (refused !== null) return [refused];
  const { modules } = adapter;
  const architecture = architectureOf(adapter, base);
  if (architecture === undefined || id !== "vllm") {
    unseen.push(`whether ${title} ${version} takes LoRA for the architecture of ${base.name}`);
    return [];
  }
  const support = vllmLoraSupport(architecture);
  if (support === null) {
    unseen.push(`whether ${title} ${version} takes LoRA for ${architecture}, which its registry does not list`);
    return [];
  }
  const place = [...modules.values()].find((module) => isHead(module) || module.kind === "embedding");
  if (place === undefined || support === "both") return [];
  if (support === "unknown") {
    unseen.push(`whether ${title} ${version} takes LoRA for ${place.name} of ${architecture}`);
    return [];
  }
  const head = [...modules.values()].find(isHead);
  const odd = support === "linear" ? place : head;
  if (odd === undefined) return [];
  return [
    fails(
      `${title} ${version} takes no LoRA on ${odd.name} of ${architecture}; leave it out with lora-lego merge --exclude, which loses its effect.`,
    ),
  ];
}

/** The architecture that an adapter shows by itself: GPT-2 alone stores matrices as (in, out) under these names. */
function shownArchitecture({ fanInFanOut, modules }: Adapter): string | undefined {
  const isGpt2 = fanInFanOut && [...modules.keys()].some((name) => /(^|\.)h\.\d+\.(attn|mlp)\.c_\w+$/.test(name));
  return isGpt2 ? GPT2 : undefined;
}

function isHead({ name }: AdapterModule): boolean {
  return isHeadName(name);
}

/** Whether the base has the adapter's modules, in their sizes; nothing where it is not known, or not compared. */
export function checkPlaces(adapter: Adapter, consumer: Consumer, base: BaseFacts | null, unseen: string[]): Finding[] {
  if (base === null || isOfImages(adapter, consumer)) return [];
  if (base.modules === null) {
    unseen.push(
      `whether ${base.name} has modules of these names and sizes (a config alone does not show this; pass --base)`,
    );
    const { config, name } = base;
    return config === null ? [] : misfits(adapter.modules.values(), name, config).map((text) => fails(text));
  }
  const places = placesIn(base, adapter);
  if (places === null) {
    unseen.push(
      `whether ${base.name} has these modules (lora-lego cannot translate its family's names to the other format)`,
    );
    return [];
  }
  const renamed = places.find(({ found }) => found?.renamed);
  if (renamed !== undefined) {
    unseen.push(
      `whether ${consumer.title} ${consumer.version} knows its names: they come from another release of transformers than those of ${base.name} (${renamed.module.name} here, ${renamed.found!.key} there)`,
    );
  }
  const unclear = places.find(({ found }) => (found?.others.length ?? 0) > 0);
  if (unclear !== undefined) {
    const { key, others } = unclear.found!;
    unseen.push(
      `the sizes of ${unclear.module.name}, which may be ${[key, ...others].join(" or ")} in ${base.name} (fuse refuses this)`,
    );
  }
  const hidden = places.filter(({ found, fits }) => found?.others.length === 0 && fits === null);
  if (hidden.length > 0) {
    unseen.push(
      `the sizes of ${plural(hidden.length, "module")}, whose weights in ${base.name} are quantized (such as ${hidden[0]!.found!.key})`,
    );
  }
  return [...checkMissing(places, consumer, base), ...checkShapes(places, base)];
}

function checkMissing(places: readonly BasePlace[], consumer: Consumer, base: BaseFacts): Finding[] {
  // A tied head has no tensor of its own; checkTied covers it.
  const tied = (module: AdapterModule): boolean => base.tied === true && isHead(module);
  const missing = places.filter(({ module, found }) => found === null && !tied(module));
  const [first] = missing;
  if (first === undefined) return [];
  if (missing.length === places.length) return [nothingLoads(consumer, base, first, places.length)];
  const text = `${missing.length} of its ${places.length} modules are not in ${base.name} (such as ${first.module.name})`;
  return [
    consumer.absent === "refused"
      ? fails(`${text}, and ${consumer.title} refuses such adapters; leave them out with lora-lego merge --exclude.`)
      : differs(`${text}, so ${consumer.title} leaves them out at best; pass the base that it was trained on.`),
  ];
}

function nothingLoads({ title, absent }: Consumer, base: BaseFacts, { module }: BasePlace, many: number): Finding {
  const there = [...base.modules!.keys()].find((key) => key.endsWith(`.${module.name.split(".").at(-1)}`));
  const shown = there ?? [...base.modules!.keys()][0] ?? "nothing";
  const what = many === 1 ? "its module is not" : `none of its ${many} modules is`;
  return fails(
    `${what} in ${base.name} (the adapter has ${module.name}, the base ${shown}): ${title} ${absent === "refused" ? "refuses it" : "loads nothing from it and may silently serve the bare base"}; pass the base that it was trained on.`,
  );
}

function checkShapes(places: readonly BasePlace[], { name }: BaseFacts): Finding[] {
  const wrong = places.filter(({ fits }) => fits === false);
  const [first] = wrong;
  if (first === undefined) return [];
  const { module, found } = first;
  const others = wrong.length === 1 ? "" : `, and ${wrong.length - 1} more do not fit`;
  const resized = module.kind === "embedding" || isHead(module);
  return [
    fails(
      `${module.name} has a delta of ${formatShape([module.out, ...module.inputShape])}, but ${found!.key} of ${name} is ${formatShape(found!.shape!)}${others}; ${resized ? "resize the base's vocabulary to the adapter's first, or " : ""}pass the base that it was trained on.`,
    ),
  ];
}
