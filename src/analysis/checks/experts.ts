import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { expertGap, expertOf, stackedModules } from "../../adapter/experts.ts";
import { type Finding, fails } from "./finding.ts";

/** Whether programs that stack the experts of a layer can stack the factors of single experts. */
export function checkExperts(adapter: Adapter, consumer: Consumer): Finding[] {
  if (consumer.id === "peft") return checkStacked(adapter, consumer);
  const single =
    consumer.id === "mlx" ? [...adapter.modules.keys()].find((name) => expertOf(name) !== null) : undefined;
  if (single === undefined) return [];
  return [
    fails(
      `${consumer.title} stores the experts of a layer as one switch_mlp and has no ${single}; convert them with lora-lego convert --to mlx --base-config config.json.`,
    ),
  ];
}

/** PEFT, for transformers 5: one rank for experts and their routers, and gate, up and down together. */
function checkStacked({ modules }: Adapter, { title }: Consumer): Finding[] {
  const stacked = stackedModules(modules.keys());
  const [first, ...others] = [...modules.values()].filter(({ name }) => stacked.has(name));
  const odd = others.find(({ rank }) => rank !== first!.rank);
  if (odd !== undefined) {
    return [
      fails(
        `${title} stacks the experts of a layer under transformers 5 and gives them all the config's rank, but ${first!.name} has rank ${first!.rank} and ${odd.name} has rank ${odd.rank}; give them one rank with lora-lego merge --rank-layout uniform.`,
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
