import { PAPER } from "../../src/methods/lego/options.ts";
import { DEFAULT_METHOD } from "../../src/methods/method.ts";
import { recipe } from "./merge.ts";
import { options } from "./module.ts";
import { showTab } from "./tabs.ts";

/** Fill the form of a merge with LEGO at a rank, as the module is shown, and show it. */
export function mergeAtK(rank: number): void {
  const { gauge, sign, metric } = options.value;
  const changed = Object.entries({ gauge, sign, metric }).filter(([name, value]) => value !== PAPER[name as "gauge"]);
  recipe.value = {
    method: "lego",
    ...(changed.length > 0 && { options: Object.fromEntries(changed) }),
    target: { kind: "rank", rank },
  };
  showTab("merge");
}

/** Fill it with what `--method auto` takes. */
export function mergeByAuto(): void {
  recipe.value = { method: DEFAULT_METHOD };
  showTab("merge");
}
