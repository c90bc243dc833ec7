import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { isNamedStack } from "../../adapter/expert-tensors.ts";
import { expertGap, expertOf, stackedModules, swappedSizes, unpairedParameters } from "../../adapter/experts.ts";
import { isPart, placeOfPart } from "../../formats/peft-folder/parameters.ts";
import { differs, type Finding, fails } from "./finding.ts";

/** Whether programs that stack the experts of a layer can stack the factors of single experts. */
export function checkExperts(adapter: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  const swapped = consumer.formats.includes(adapter.format) ? swappedSizes(adapter.modules.values()) : null;
  if (swapped !== null) unseen.push(`whether ${consumer.title} ${consumer.version} has these sizes: ${swapped}`);
  const stack = adapter.format === "peft" ? [...adapter.modules.values()].find(isStacked) : undefined;
  if (stack !== undefined) return checkThreeDimensional(stack, consumer, unseen);
  if (consumer.id === "vllm") return checkPaired(adapter, consumer, unseen);
  if (consumer.id === "peft") return [...checkNamed(adapter, consumer), ...checkStacked(adapter, consumer)];
  // Another format is converted anyway.
  if (consumer.id !== "mlx" || adapter.format !== "mlx") return [];
  const single = [...adapter.modules.values()].find((module) => expertOf(module.name) !== null && !isStacked(module));
  if (single === undefined) return [];
  return [
    fails(
      `${consumer.title} stores the experts of a layer as one switch_mlp and has no ${single.name}; convert them.`,
      { to: "mlx" },
    ),
  ];
}

/** Whether a module is a part of a tensor of all experts, in three dimensions, as SGLang and vLLM have them. */
function isStacked({ a, kind }: AdapterModule): boolean {
  return kind === "linear" && "strides" in a && a.shape.length === 3;
}

function checkThreeDimensional(stack: AdapterModule, { id, title, version }: Consumer, unseen: string[]): Finding[] {
  const key = stack.a.name;
  if (id === "vllm" || (id === "sglang" && isNamedStack(stack))) {
    unseen.push(
      id === "vllm"
        ? `how ${title} ${version} handles factors of all experts in one tensor (${key})`
        : `whether ${title} ${version} takes LoRA on the experts of the base model`,
    );
    return [];
  }
  return [
    fails(
      `${title} has no place for factors of all experts in one tensor of three dimensions (${key}); write them as ${id === "sglang" ? "SGLang takes them" : "PEFT saves them"}.`,
      id === "sglang" ? { fitted: true } : { to: "peft" },
    ),
  ];
}

/** vLLM takes gate_up_proj and down_proj of experts, and both or neither; the model decides whether as one tensor. */
function checkPaired({ modules }: Adapter, { title, version }: Consumer, unseen: string[]): Finding[] {
  if (![...modules.values()].some(isPart)) return [];
  unseen.push(`whether ${title} ${version} takes the experts of the base model as one tensor`);
  const odd = unpairedParameters(modules.values());
  if (odd === null) return [];
  return [
    fails(
      `${title} takes gate_up_proj and down_proj of experts together and no other parameters, but ${odd.layer} has ${odd.names.join(", ")}; train it with these two, or leave its experts out with lora-lego merge --exclude.`,
    ),
  ];
}

/** PEFT finds parameters by the config alone. */
function checkNamed({ modules, peft }: Adapter, { title }: Consumer): Finding[] {
  const part = [...modules.values()].find(isPart);
  if (part === undefined || peft === null || peft.targetParameters.length > 0) return [];
  return [
    differs(
      `${title} finds parameters by target_parameters, which its config lacks, so it would leave out ${placeOfPart(part).path}; a conversion to peft writes them.`,
      { to: "peft" },
    ),
  ];
}

/** PEFT, for transformers 5: one rank for experts and their routers, and gate, up and down together. */
function checkStacked({ modules }: Adapter, { title }: Consumer): Finding[] {
  const stacked = stackedModules(modules.values());
  const [first, ...others] = [...modules.values()].filter(({ name }) => stacked.has(name));
  const odd = others.find(({ rank }) => rank !== first!.rank);
  if (odd !== undefined) {
    return [
      fails(
        `${title} stacks the experts of a layer under transformers 5 and gives them all the config's rank, but ${first!.name} has rank ${first!.rank} and ${odd.name} has rank ${odd.rank}; give them one rank.`,
        { rankLayout: "uniform" },
      ),
    ];
  }
  const gap = expertGap(modules.keys());
  if (gap === null) return [];
  return [
    fails(
      `${title} stacks gate and up of experts under transformers 5 and recognises down by its position after them, but ${gap.layer} adapts no ${gap.lacks}; train or merge it with that projection, or leave its experts out with lora-lego merge --exclude.`,
    ),
  ];
}
