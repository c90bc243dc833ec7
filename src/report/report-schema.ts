import type { AutoScale } from "../figures/auto-scale.ts";
import type { Timings } from "../lanes/clock.ts";
import type { Zod } from "../methods/method.ts";
import type { Warning } from "../plan/warning.ts";
import type { BudgetReport, InputReport, MergeReport, ModuleReport, TotalsReport } from "./report.ts";

const RESIDUAL =
  "|R - R'| / |R| in the Frobenius norm, where a method on dense deltas cut R to R'; null for other methods";

/**
 * The schema of the report, version 1; its JSON Schema is docs/report.schema.json. The compiler checks it against `MergeReport`.
 *
 * @example
 * ```ts
 * import { reportSchema } from "lora-lego";
 * import { z } from "zod";
 *
 * console.log(Object.keys(z.toJSONSchema(reportSchema(z)).properties ?? {}).includes("totals")); // true
 * ```
 */
export function reportSchema(z: Zod): import("zod").ZodType<MergeReport> {
  const figure = z.number().nullable();
  const shared: Shared = {
    z,
    index: z.int().min(0),
    figure,
    cosines: z.array(figure).describe("cosine of the merged delta with each input's; null if either is zero or absent"),
    residual: figure.describe(RESIDUAL),
  };
  // Any text, because a later version may have more ids.
  const warningId = z.string() as unknown as import("zod").ZodType<Warning["id"]>;
  return z.strictObject({
    version: z.literal(1),
    tool: z.string(),
    inputs: z.array(inputSchema(shared)),
    options: z.record(z.string(), z.unknown()),
    chosen: z.string().nullable().describe("why the method was chosen, if the recipe left it open"),
    autoScale: autoScaleSchema(shared).nullable().describe("how scale: auto found the factor; null for a given factor"),
    budget: budgetSchema(shared).nullable().describe("ranks shared out over the modules; null for other targets"),
    advice: z.string().nullable().describe("what method: auto would take instead"),
    modules: z.array(moduleSchema(shared)),
    totals: totalsSchema(shared),
    skipped: z
      .array(z.string())
      .describe(
        "tensors that were not written, as <adapter>: <tensor>, and modules that were left out, as <module>: <why>",
      ),
    carried: z.array(z.string()).describe("tensors and files that were kept in addition to the factors"),
    warnings: z.array(z.strictObject({ id: warningId, text: z.string(), module: z.string().exactOptional() })),
    timings: timingsSchema(z),
  });
}

/** Parts that several schemas have. */
interface Shared {
  readonly z: Zod;
  readonly index: import("zod").ZodType<number>;
  readonly figure: import("zod").ZodType<number | null>;
  readonly cosines: import("zod").ZodType<(number | null)[]>;
  readonly residual: import("zod").ZodType<number | null>;
}

function inputSchema({ z, index }: Shared): import("zod").ZodType<InputReport> {
  return z.strictObject({
    name: z.string(),
    sha256: z.string().nullable().describe("of the weights, all shards one after the other"),
    weight: z.number(),
    baseModel: z.string().nullable(),
    modules: index,
    unknownFields: z.array(z.string()),
  });
}

function moduleSchema({ z, index, figure, cosines, residual }: Shared): import("zod").ZodType<ModuleReport> {
  const unit = z.tuple([index.describe("input"), index.describe("unit")]);
  const cluster = z.strictObject({
    members: z.array(unit),
    reweight: figure.describe("factor of the parameter reweighting; null if the members cancelled"),
  });
  return z.strictObject({
    name: z.string().describe("dotted path without base_model.model"),
    kind: z.enum(["linear", "embedding", "conv"]),
    in: index,
    out: index,
    inputRanks: z.array(index.nullable()).describe("null if an input lacks the module"),
    weights: z.array(z.number()).describe("of each input here"),
    rank: index.describe("units of the result, before padding"),
    dead: z.array(unit),
    normRatio: figure.describe("norm of the merged delta divided by the mean norm of the inputs' nonzero deltas"),
    cosines,
    energy: figure.describe("squared cosine of the merged delta with the weighted sum of the inputs'"),
    inertia: figure,
    shareOfB: figure,
    residual,
    clusters: z.array(cluster).nullable(),
  });
}

function totalsSchema({ z, index, figure, cosines, residual }: Shared): import("zod").ZodType<TotalsReport> {
  return z.strictObject({
    modules: index,
    rank: index,
    dtype: z.string(),
    bytes: index,
    normRatio: figure,
    cosines,
    energy: figure,
    inertia: figure,
    shareOfB: figure,
    residual,
    singles: figure.describe("share of the clusters that hold a single unit"),
    largestCluster: index.nullable(),
  });
}

function autoScaleSchema({ z, figure }: Shared): import("zod").ZodType<AutoScale> {
  return z.strictObject({
    factor: z.number().describe("what the merged delta was multiplied by"),
    rule: z.enum(["pull", "one adapter", "no direction"]).describe("what decided it, or why it is 1"),
    pull: figure.describe("the factor by the pull on the adapters"),
    response: figure.describe("the factor by the answer to the adapters' own directions"),
    norm: figure.describe("the factor that would give the delta the adapters' mean norm"),
  });
}

function budgetSchema({ z, index }: Shared): import("zod").ZodType<BudgetReport> {
  return z.strictObject({
    total: index.describe("ranks that all modules may have together"),
    used: index.describe("ranks that they have, before padding"),
  });
}

function timingsSchema(z: Zod): import("zod").ZodType<Timings> {
  const seconds = z.number().min(0);
  return z
    .strictObject({
      read: seconds,
      widen: seconds,
      gram: seconds,
      cluster: seconds,
      centre: seconds,
      write: seconds,
      hash: seconds,
    })
    .describe("seconds over all threads");
}
