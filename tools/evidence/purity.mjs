/** How clean LEGO's clusters are by task, by kind of module and by layer, against random clusters of the same sizes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../build/lib/core/random.js";
import { clusterPurity } from "../../build/lib/figures/purity.js";
import { mergeToFolder } from "../../build/lib/node/index.js";

const DRAWS = 200;

/** With either gauge, at the ranks 6 and 12. */
export async function puritiesOf(adapters) {
  const found = {};
  for (const gauge of ["raw", "balanced"]) {
    for (const rank of [6, 12]) found[`${gauge}, rank ${rank}`] = await purityOf(adapters, { gauge }, rank);
  }
  return found;
}

/** @returns for each kind of module and each layer: purity, its chance, share of single units, share of B */
async function purityOf(adapters, options, rank) {
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-purity-"));
  try {
    const recipe = { method: "lego", options, target: { kind: "rank", rank } };
    const { report } = await mergeToFolder(adapters, recipe, { out: join(scratch, "merged"), threads: 1 });
    const parts = new Map();
    for (const module of report.modules) {
      const [, layer, kind] = /\.(\d+)\.(?:.*\.)?([^.]+)$/.exec(module.name);
      for (const part of [kind, `layer ${layer}`, "all"]) parts.set(part, [...(parts.get(part) ?? []), module]);
    }
    return Object.fromEntries(Array.from(parts, ([part, modules]) => [part, figuresOf(modules)]));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function figuresOf(modules) {
  const random = seededRandom(0);
  const clusters = modules.map(({ clusters: own }) => own.map(({ members }) => members.map(([adapter]) => adapter)));
  const each = clusters.map((own) => clusterPurity(own, random, DRAWS));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    purity: mean(each.map(({ purity }) => purity)),
    chance: mean(each.map(({ chance }) => chance)),
    deviation: Math.hypot(...each.map(({ deviation }) => deviation)) / each.length,
    singles: mean(clusters.map((own) => own.filter((members) => members.length === 1).length / own.length)),
    shareOfB: mean(modules.map(({ shareOfB }) => shareOfB)),
  };
}
