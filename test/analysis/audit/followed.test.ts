import fc from "fast-check";
import { expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { openAdapter } from "../../../src/adapter/open.ts";
import { auditMergedAdapter, type MergedAudit } from "../../../src/analysis/audit/audit-merged.ts";
import { auditSet } from "../../../src/analysis/audit/audit-set.ts";
import { recordedClusters } from "../../../src/analysis/audit/recorded-clusters.ts";
import { memorySource } from "../../../src/core/bytes.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { methodById } from "../../../src/methods/registry.ts";
import type { Recipe } from "../../../src/recipe/recipe.ts";
import { tightKernels } from "../../support/kernels.ts";
import { openPico, randomAdapter } from "../../support/pico.ts";

/** The findings that are about the rank of a merge. */
const OF_RANK = ["rank-too-low", "rank-too-high", "badly-kept"];
const MODULES = { "layers.0.q_proj": { in: 60, out: 50 }, "layers.1.q_proj": { in: 40, out: 60 } };

/** Carry out a command that an audit recommends, and audit the result. */
async function follow(command: string, adapters: readonly Adapter[]): Promise<MergedAudit> {
  const words = command.split(" ");
  const said = (name: string): string | null => (words.includes(name) ? words[words.indexOf(name) + 1]! : null);
  const [rank, weights] = [said("--rank"), said("--weights")];
  const used = adapters.filter(({ name }) => words.includes(name));
  const recipe = {
    method: said("--method") ?? "auto",
    ...(rank !== null && { target: { kind: "rank", rank: Number(rank) } }),
    ...(weights !== null && { weights: weights.split(",").map(Number) }),
  } as Recipe;
  const { plan, report, config, weights: bytes } = await mergeInMemory(used, recipe);
  const files: Readonly<Record<string, Uint8Array>> = {
    "adapter_config.json": new TextEncoder().encode(JSON.stringify(config)),
    "adapter_model.safetensors": bytes,
  };
  const open = async (file: string) => memorySource(`merged/${file}`, files[file]!);
  const merged = await openAdapter({ name: "merged", files: Object.keys(files), folders: [], open });
  const counts = plan.inputs.map(({ weight }) => weight);
  return auditMergedAdapter(
    tightKernels(),
    merged,
    used,
    {
      method: methodById(plan.method),
      weights: counts,
      weightsOf: () => counts,
      recipe,
      clusters: recordedClusters(JSON.parse(JSON.stringify(report)))!.modules,
      unseen: [],
    },
    (fix) => JSON.stringify(fix),
  );
}

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
        const { signatures, next } = await follow(merge.command, adapters);
        const found = signatures.filter(({ id, found: is }) => is && OF_RANK.includes(id)).map(({ text }) => text);
        // Another method, for an adapter that LEGO loses, has a rank of its own.
        const ranks = next.filter(({ how }) => how?.includes('"rank"') && !how.includes('"method"'));
        expect([merge.command, found, ranks]).toEqual([merge.command, [], []]);
      }
    }),
    { numRuns: 20 },
  );
});
