/** What each method costs: processor time of one merge. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeToFolder } from "../../dist/node/index.js";

const RUNS = 5;

/** @returns by the merge's name and rank, the median of milliseconds of processor time, from opening the files to the written folder */
export async function costOf(adapters, merges, ranks) {
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-cost-"));
  const out = join(scratch, "merged");
  const found = {};
  try {
    for (const { method, name = method, options = {} } of merges) {
      found[name] = {};
      for (const rank of ranks) {
        const recipe = { method, options, target: { kind: "rank", rank } };
        const times = [];
        for (let run = 0; run <= RUNS; run++) {
          const begun = process.cpuUsage();
          await mergeToFolder(adapters, recipe, { out, threads: 1, force: true });
          const { user, system } = process.cpuUsage(begun);
          if (run > 0) times.push((user + system) / 1000);
        }
        found[name][rank] = times.sort((p, q) => p - q)[Math.floor(RUNS / 2)];
      }
    }
    return found;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
