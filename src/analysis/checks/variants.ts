import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer, Handling } from "../../adapter/consumers.ts";
import { isNamedStack } from "../../adapter/expert-tensors.ts";
import { PEFT_TYPES } from "../../adapter/shown-method.ts";
import type { Variant } from "../../adapter/variants.ts";
import type { WrittenFormat } from "../../convert/formats.ts";
import { isOnBase } from "../../formats/peft-folder/lora-like-config.ts";
import { isPart, placeOfPart } from "../../formats/peft-folder/parameters.ts";
import { differs, type Finding, fails, note } from "./finding.ts";

/** How a consumer handles an adapter that is more than a plain LoRA; cases that are unknown go to `unseen`. */
export function checkVariants(adapter: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  const { title, version } = consumer;
  const found: Finding[] = [];
  const named = ofParameters(adapter, consumer);
  for (const variant of [...adapter.variants, ...named]) {
    const mend = isReadOnBase(variant)
      ? { to: consumer.formats[0] as WrittenFormat, onBase: true as const }
      : named.includes(variant) && consumer.stackedExperts
        ? { fitted: true as const }
        : undefined;
    const own = `it ${variant.text.replace(/\.$/, "")}`;
    switch (handlingOf(adapter, consumer, variant)) {
      case "loads":
        if (variant.id === "changed_base")
          found.push(note(`it keeps its meaning only on the exact base that it was trained on: ${own}.`));
        break;
      case "fails":
        found.push(fails(`${title} ${version} does not load such adapters: ${own}.`, mend));
        break;
      case "differs":
        found.push(differs(`${title} ${version} loads it as something else: ${own}.`, mend));
        break;
      case "unknown":
        unseen.push(`how ${title} ${version} handles it: it ${variant.text.replace(/[,;] .*$/, "")}`);
        break;
    }
  }
  return found;
}

/** Factors of parameters, which merges read like others, but not every program that loads PEFT's folders. */
function ofParameters({ modules, variants }: Adapter, { formats, stackedExperts }: Consumer): Variant[] {
  const part = [...modules.values()].filter(isPart).find((module) => !(stackedExperts && isNamedStack(module)));
  if (part === undefined || !formats.includes("peft") || variants.some(({ id }) => id === "target_parameters"))
    return [];
  const text = `adapts parameters of its model (such as ${placeOfPart(part).path}) and not only layers; ${stackedExperts ? "write them as it takes them" : "load it in PEFT or vLLM"}.`;
  return [{ id: "target_parameters", text }];
}

/** Whether an adapter of another method becomes plain LoRA where its base is there. */
export function isReadOnBase({ id, of, method }: Variant): boolean {
  return id === "other_method" && of === undefined && method !== undefined && isOnBase(method);
}

function handlingOf(adapter: Adapter, consumer: Consumer, variant: Variant): Handling {
  const { format, peft } = adapter;
  const { id } = consumer;
  // A program that refuses or drops the whole does the same with a part of it.
  const { of, ...claimed } = variant;
  if (of !== undefined) {
    const whole = handlingOf(adapter, consumer, { ...claimed, id: of });
    return whole === "loads" ? consumer.variants.incomplete : whole;
  }
  if (variant.id === "other_method") return methodHandling(format, peft, consumer, variant);
  // ComfyUI reads DoRA's magnitudes only as .dora_scale.
  if (variant.id === "dora" && id === "comfyui" && format !== "kohya") return "differs";
  if (variant.id === "changed_base") {
    const init = peft?.changedBase ?? "";
    // LoRA-GA changes the base for training and then undoes it; CorDA needs its statistics before anything is loaded.
    if (id === "vllm" && init.includes("lora_ga")) return "loads";
    if (id === "peft" && init.includes("corda")) return "fails";
  }
  if (variant.id === "target_parameters" && variant.of === undefined)
    return parametersHandling(adapter, consumer, variant);
  return consumer.variants[variant.id];
}

/** Factors of parameters. Where nothing names them, PEFT finds none, and programs that take those of experts expect two. */
function parametersHandling(
  { variants, peft }: Adapter,
  { id, variants: handled }: Consumer,
  variant: Variant,
): Handling {
  const unnamed = variants.includes(variant);
  if (!unnamed || handled.target_parameters !== "loads") return handled.target_parameters;
  if ((peft?.targetParameters.length ?? 0) === 0) return id === "peft" ? "differs" : "fails";
  return id === "peft" ? "loads" : "unknown";
}

/** Other methods than LoRA: PEFT's are in its folders, LyCORIS's in files of image models; each program loads its own. */
function methodHandling(
  format: Adapter["format"],
  peft: Adapter["peft"],
  { id, variants }: Consumer,
  { method }: Variant,
): Handling {
  if (id === "peft") {
    const known = method === undefined ? !(peft?.changes.includes("enable_lora") ?? true) : PEFT_TYPES.has(method);
    return format === "peft" && known ? "loads" : "fails";
  }
  // LoRA settings that these programs ignore.
  if ((id === "sglang" || id === "tgi") && peft !== null) return "differs";
  return format === "peft" ? "fails" : variants.other_method;
}
