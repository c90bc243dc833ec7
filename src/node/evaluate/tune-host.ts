import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { TuneHost } from "../../evaluate/tune/tune.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import { mergeChecked } from "../merge-adapters.ts";
import { hashFiles } from "../threads/hash.ts";
import { refuseUnfit } from "./gguf-fit.ts";
import type { PreparedBase } from "./gguf-inputs.ts";
import { keptScores, type ReadyAdapter, type ScorePlace } from "./kept-scores.ts";

/** Where a search merges and scores. */
export interface TunePlace extends Omit<ScorePlace, "file"> {
  /** The adapters to merge. */
  readonly inputs: readonly string[];
  readonly base: PreparedBase;
  /** Folder for merges, which holds one at a time. */
  readonly scratch: string;
}

/** Merges straight into GGUF files, and scores all rows at once. */
export function tuneHost(place: TunePlace): TuneHost {
  const { inputs, base, scratch, threads, signal } = place;
  const scoresOf = keptScores({ ...place, file: base.model });
  // llama.cpp identifies adapters by path, so no path is used twice.
  let made = 0;
  let ready: ReadyAdapter | null = null;
  return {
    async merge(recipe) {
      if (ready !== null) rmSync(ready.file, { force: true });
      const file = join(scratch, `merge-${made++}.gguf`);
      const written = { out: file, to: "gguf", baseConfig: base.config, threads, ...(signal && { signal }) } as const;
      // The merge checks the recipe. Nobody reads this report.
      const { plan, report } = await mergeChecked(inputs, recipe as Recipe, written, false);
      if (made === 1) await refuseUnfit(basename(file), file, base.model);
      ready = { file, hash: hashFiles([file]) };
      return { adapter: file, method: plan.method, scale: report.autoScale?.factor ?? 1, rank: plan.rank };
    },
    score: (_, rows) => scoresOf(ready, 1, rows),
  };
}
