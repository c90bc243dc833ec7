import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { Writer } from "../convert/convert.ts";
import { type FormatChoice, formOf, isPeftFolder, refuseContradiction } from "../convert/forms.ts";
import type { RecipeStep } from "../recipe/recipe-file.ts";
import type { MergePlan } from "./merge-plan.ts";
import { plannedAdapter } from "./planned-adapter.ts";
import { refuseGgufInputs } from "./refuse-gguf-inputs.ts";

/** The writer of a merge's result, and the size of its weights. */
export interface PlannedOutput {
  /** null for a PEFT folder, which a merge writes by itself. */
  readonly writer: Writer | null;
  /** In bytes. */
  readonly bytes: number;
}

/** A plan, its adapters, what is known about their base, and the recipe's steps where the bytes of a single file count, which holds them. */
export interface PlannedMerge {
  readonly plan: MergePlan;
  readonly adapters: readonly Adapter[];
  readonly baseConfig: AdapterText | null;
  readonly steps?: readonly RecipeStep[];
}

/**
 * Decide from headers how the result of a merge is written.
 *
 * @param out path of the output; null where it is not known
 * @param plan makes the plan; called only where something depends on it
 * @throws what `convertFor` throws, and RefusedError or UsageError for what the format cannot hold
 */
export async function writerOfMerge(
  out: string | null,
  choice: FormatChoice,
  plan: () => Promise<PlannedMerge>,
): Promise<Writer | null> {
  refuseContradiction(choice);
  try {
    if (isPeftFolder(out, choice)) return null;
  } catch (error) {
    // A name is easily changed, so what is wrong with the adapters is said before it.
    await plan();
    throw error;
  }
  return (await planOutput(out, choice, await plan())).writer;
}

/** How the result of a plan is written. @throws as `writerOfMerge` does */
export async function planOutput(
  out: string | null,
  choice: FormatChoice,
  { plan, adapters, baseConfig, steps }: PlannedMerge,
): Promise<PlannedOutput> {
  if (isPeftFolder(out, choice)) {
    refuseGgufInputs(plan, adapters);
    return { writer: null, bytes: plan.size };
  }
  // The writers are many, and most merges need none.
  const { convertFor } = await import("../convert/output-format.ts");
  const held = out === null || formOf(out) === "folder" ? undefined : steps;
  const adapter = await plannedAdapter(out === null ? "the result" : lastName(out), plan, adapters, held);
  const { writer, conversion } = await convertFor(out, choice, adapter, baseConfig);
  return { writer, bytes: conversion.layout.size };
}

/** The last part of a path. */
function lastName(path: string): string {
  return path
    .replace(/[/\\]+$/, "")
    .split(/[/\\]/)
    .at(-1)!;
}
