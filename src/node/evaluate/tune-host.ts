import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { TuneHost } from "../../evaluate/tune/tune.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import { hashFiles } from "../files/hash.ts";
import { mergeChecked } from "../merge-adapters.ts";
import type { WithHost } from "../threads/disk-host.ts";
import { refuseUnfit } from "./gguf-fit.ts";
import type { PreparedBase } from "./gguf-inputs.ts";
import { keptScores, type ScorePlace, type ScoresOf } from "./kept-scores.ts";

/** Where a search merges and scores. */
export interface TunePlace extends Omit<ScorePlace, "file"> {
  /** The adapters to merge. */
  readonly inputs: readonly string[];
  readonly base: PreparedBase;
  /** Folder for merges, which holds one at a time. */
  readonly scratch: string;
  /** Who merges. Default: `threads` threads of this machine. */
  readonly withHost?: WithHost;
}

/** Merges straight into GGUF files, and scores all rows at once. @param scoresOf scores that several hosts share */
export function tuneHost(
  place: TunePlace,
  scoresOf: ScoresOf = keptScores({ ...place, file: place.base.model }),
): TuneHost {
  const { inputs, base, scratch, threads, signal, withHost } = place;
  // llama.cpp identifies adapters by path, so no path is used twice.
  let made = 0;
  return {
    lanes: 1,
    async trial(recipe, rows) {
      const file = join(scratch, `merge-${made++}.gguf`);
      const written = { out: file, to: "gguf", baseConfig: base.config, threads, ...(signal && { signal }) } as const;
      try {
        // The merge checks the recipe. Nobody reads this report.
        const { plan, report } = await mergeChecked(inputs, recipe as Recipe, written, {
          hashes: false,
          ...(withHost && { withHost }),
        });
        if (made === 1) await refuseUnfit(basename(file), file, base.model);
        const merge = { method: plan.method, scale: report.autoScale?.factor ?? 1, rank: plan.rank };
        return { merge, scores: await scoresOf({ file, hash: await hashFiles([file]) }, 1, rows) };
      } finally {
        rmSync(file, { force: true });
      }
    },
  };
}
