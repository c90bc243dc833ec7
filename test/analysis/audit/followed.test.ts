import fc from "fast-check";
import { expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { openAdapter } from "../../../src/adapter/open.ts";
import { auditMergedAdapter, type MergedAudit } from "../../../src/analysis/audit/audit-merged.ts";
import { auditSet } from "../../../src/analysis/audit/audit-set.ts";
import { recordedReport } from "../../../src/analysis/audit/recorded-clusters.ts";
import { memorySource } from "../../../src/core/bytes.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { methodById } from "../../../src/methods/registry.ts";
import type { Recipe } from "../../../src/recipe/recipe.ts";
import { fixCommand, type MadeMerge } from "../../../src/report/fix-command.ts";
import { askedRank } from "../../../src/report/rank-rule.ts";
import { tightKernels } from "../../support/kernels.ts";
import { openPico, randomAdapter } from "../../support/pico.ts";

/** The findings that are about the rank of a merge. */
const OF_RANK = ["rank-too-low", "rank-too-high", "badly-kept"];
const MODULES = { "layers.0.q_proj": { in: 60, out: 50 }, "layers.1.q_proj": { in: 40, out: 60 } };

/** One adapter is lost in the result but not in the sum; a merge without the lost one has a smaller rank by itself. */
const SEEN: [{ rank: number; size: number }[], number][] = [
  [[1, 1, 2, 1, 4, 1].map((rank, t) => ({ rank, size: t === 2 ? 0.01 : 1 })), 512],
  [[1, 1, 4, 5].map((rank, t) => ({ rank, size: t % 3 === 0 ? 0.01 : 0.3 })), 89],
];

/** A merge that a command asks for. */
interface Merge {
  readonly used: readonly Adapter[];
  readonly recipe: Recipe;
  readonly words: readonly string[];
}

/** What a command that an audit recommends merges. */
function readCommand(command: string, adapters: readonly Adapter[]): Merge {
  const words = command.split(" ");
  const said = (name: string): string | null => (words.includes(name) ? words[words.indexOf(name) + 1]! : null);
  const [rank, weights] = [said("--rank"), said("--weights")];
  const used = adapters.filter(({ name }) => words.includes(name));
  const recipe = {
    method: said("--method") ?? "auto",
    ...(rank !== null && { target: { kind: "rank", rank: Number(rank) } }),
    ...(weights !== null && { weights: weights.split(",").map(Number) }),
  } as Recipe;
  return { used, recipe, words };
}

/** A merge as the command line of a remedy names it. */
function madeBy(words: readonly string[], used: readonly Adapter[]): MadeMerge {
  const flagged = words.flatMap((word, at) =>
    word.startsWith("--") && word !== "--out" ? [[word, words[at + 1]!]] : [],
  );
  return {
    verb: "merge",
    paths: used.map(({ name }) => name),
    out: "merged",
    ofMethod: [],
    words: (takes) => flagged.filter(([flag]) => takes(flag!.slice(2))).flat(),
    free: (path) => path,
  };
}

/** Carry out a merge, and audit the result. */
async function follow({ used, recipe, words }: Merge): Promise<MergedAudit> {
  const { plan, report, config, weights: bytes } = await mergeInMemory(used, recipe);
  const files: Readonly<Record<string, Uint8Array>> = {
    "adapter_config.json": new TextEncoder().encode(JSON.stringify(config)),
    "adapter_model.safetensors": bytes,
  };
  const open = async (file: string) => memorySource(`merged/${file}`, files[file]!);
  const merged = await openAdapter({ name: "merged", files: Object.keys(files), folders: [], open });
  const counts = plan.inputs.map(({ weight }) => weight);
  const { modules, of } = recordedReport(JSON.parse(JSON.stringify(report)))!;
  return auditMergedAdapter(
    tightKernels(),
    merged,
    used,
    {
      method: methodById(plan.method),
      weights: counts,
      weightsOf: () => counts,
      recipe,
      asked: askedRank(plan.target),
      clusters: modules && { modules, of },
      unseen: [],
      mismatch: null,
    },
    (fix) => fixCommand(fix, madeBy(words, used)),
  );
}

/** The findings about the rank, as words. */
const ofRank = ({ signatures }: MergedAudit): string[] =>
  signatures.filter(({ id, found }) => found && OF_RANK.includes(id)).map(({ text }) => text);

it("following the advice of an audit ends in no finding about the rank, whatever the sizes and ranks", async () => {
  const adapter = fc.record({ rank: fc.integer({ min: 1, max: 5 }), size: fc.constantFrom(1, 1, 0.3, 0.01) });
  await fc.assert(
    fc.asyncProperty(fc.array(adapter, { minLength: 2, maxLength: 7 }), fc.nat(1000), async (made, seed) => {
      const adapters = await Promise.all(
        made.map(({ rank, size }, t) =>
          openPico(`a${t}`, {
            ...randomAdapter(seed + t, { rank, modules: MODULES }),
            config: { r: rank, lora_alpha: rank * size },
          }),
        ),
      );
      const names = adapters.map(({ name }) => name);
      const { recommendation } = await auditSet(tightKernels(), adapters, names);
      const { without, lego } = recommendation!;
      for (const merge of [recommendation, without, lego]) {
        if (merge === null) continue;
        const made = readCommand(merge.command, adapters);
        const audit = await follow(made);
        const remedies = audit.next.flatMap(({ how }) => (how?.startsWith("lora-lego merge") ? [how] : []));
        // A merge in which adapters count for more or less has a rank of its own, and so has one by another method.
        const recounted = (how: string): boolean =>
          how.includes("--weights") || readCommand(how, made.used).used.length < made.used.length;
        const ranked = ({ recipe }: Merge): string => JSON.stringify(recipe.target);
        const ranks = remedies.filter(
          (how) =>
            !recounted(how) &&
            readCommand(how, made.used).recipe.method === made.recipe.method &&
            ranked(readCommand(how, made.used)) !== ranked(made),
        );
        expect([merge.command, ofRank(audit), ranks]).toEqual([merge.command, [], []]);
        for (const how of remedies.filter((own) => recounted(own) && !own.includes("&&"))) {
          expect([merge.command, how, ofRank(await follow(readCommand(how, made.used)))]).toEqual([
            merge.command,
            how,
            [],
          ]);
        }
      }
    }),
    { numRuns: 20, examples: SEEN },
  );
});
