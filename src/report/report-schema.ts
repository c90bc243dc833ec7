import type { Zod } from "../methods/method.ts";
import type { Warning } from "../plan/warning.ts";
import type { MergeReport } from "./report.ts";

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
  const index = z.int().min(0);
  const figure = z.number().nullable();
  const cosines = z
    .array(figure)
    .describe("cosine of the merged delta with each input's; null if either is zero or absent");
  const unit = z.tuple([index.describe("input"), index.describe("unit")]);
  const cluster = z.strictObject({
    members: z.array(unit),
    reweight: figure.describe("factor of the parameter reweighting; null if the members cancelled"),
  });
  const input = z.strictObject({
    name: z.string(),
    sha256: z.string().nullable().describe("of the weights, all shards one after the other"),
    weight: z.number(),
    baseModel: z.string().nullable(),
    modules: index,
    unknownFields: z.array(z.string()),
  });
  const module = z.strictObject({
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
    residual: figure.describe(RESIDUAL),
    clusters: z.array(cluster).nullable(),
  });
  const totals = z.strictObject({
    modules: index,
    rank: index,
    dtype: z.string(),
    bytes: index,
    normRatio: figure,
    cosines,
    energy: figure,
    inertia: figure,
    shareOfB: figure,
    residual: figure.describe(RESIDUAL),
    singles: figure.describe("share of the clusters that hold a single unit"),
    largestCluster: index.nullable(),
  });
  const auto = z.strictObject({
    factor: z.number().describe("what the merged delta was multiplied by"),
    rule: z.enum(["pull", "one adapter", "no direction"]).describe("what decided it, or why it is 1"),
    pull: figure.describe("the factor by the pull on the adapters"),
    response: figure.describe("the factor by the answer to the adapters' own directions"),
    norm: figure.describe("the factor that would give the delta the adapters' mean norm"),
  });
  // Any text, because a later version may have more ids.
  const warningId = z.string() as unknown as import("zod").ZodType<Warning["id"]>;
  const seconds = z.number().min(0);
  return z.strictObject({
    version: z.literal(1),
    tool: z.string(),
    inputs: z.array(input),
    options: z.record(z.string(), z.unknown()),
    chosen: z.string().nullable().describe("why the method was chosen, if the recipe left it open"),
    autoScale: auto.nullable().describe("how scale: auto found the factor; null for a given factor"),
    modules: z.array(module),
    totals,
    skipped: z
      .array(z.string())
      .describe(
        "tensors that were not written, as <adapter>: <tensor>, and modules that were left out, as <module>: <why>",
      ),
    carried: z.array(z.string()).describe("tensors and files that were kept in addition to the factors"),
    warnings: z.array(z.strictObject({ id: warningId, text: z.string(), module: z.string().exactOptional() })),
    timings: z
      .strictObject({
        read: seconds,
        widen: seconds,
        gram: seconds,
        cluster: seconds,
        centre: seconds,
        write: seconds,
        hash: seconds,
      })
      .describe("seconds over all threads"),
  });
}
