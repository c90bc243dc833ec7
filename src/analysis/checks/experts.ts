import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { type Finding, fails } from "./finding.ts";

const EXPERT = /^(.*\.experts)\.\d+\.(w1|w2|w3|gate_proj|up_proj|down_proj)$/;
/** The layers of an expert by what they are in transformers 5's stacked experts. */
const ROLE: Readonly<Record<string, "gate" | "up" | "down">> = {
  w1: "gate",
  gate_proj: "gate",
  w3: "up",
  up_proj: "up",
  w2: "down",
  down_proj: "down",
};

/** Whether programs that stack the experts of a layer can do so with factors of single ones. */
export function checkExperts(adapter: Adapter, consumer: Consumer): Finding[] {
  if (consumer.id === "peft") return checkStacked(adapter, consumer);
  const single = consumer.id === "mlx" ? [...adapter.modules.keys()].find((name) => EXPERT.test(name)) : undefined;
  if (single === undefined) return [];
  return [
    fails(
      `${consumer.title} has the experts of a layer as one switch_mlp, and no ${single}; leave them out with lora-lego merge --exclude, at the cost of what they do.`,
    ),
  ];
}

/** PEFT, for transformers 5: one rank in a layer, and gate, up and down together. */
function checkStacked({ modules }: Adapter, { title }: Consumer): Finding[] {
  const layers = new Map<string, { first: AdapterModule; roles: Set<string> }>();
  for (const module of modules.values()) {
    const [, layer, name] = EXPERT.exec(module.name) ?? [];
    if (layer === undefined) continue;
    const { first, roles } = layers.get(layer) ?? { first: module, roles: new Set() };
    layers.set(layer, { first, roles: roles.add(ROLE[name!]!) });
    if (module.rank === first.rank) continue;
    return [
      fails(
        `${title} stacks the experts of a layer under transformers 5, but ${first.name} has rank ${first.rank} and ${module.name} ${module.rank}; give them one rank with lora-lego merge --rank-layout uniform.`,
      ),
    ];
  }
  for (const [layer, { roles }] of layers) {
    const lacking = ["gate", "up", "down"].filter((role) => !roles.has(role));
    if (lacking.length === 0 || (roles.size === 1 && roles.has("down"))) continue;
    return [
      fails(
        `${title} stacks gate and up of experts under transformers 5 and tells down from them by their order, but ${layer} adapts no ${lacking.join(" and no ")}; train or merge it with those too, or leave its experts out with lora-lego merge --exclude.`,
      ),
    ];
  }
  return [];
}
