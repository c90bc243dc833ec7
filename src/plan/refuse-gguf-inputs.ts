import type { Adapter } from "../adapter/adapter.ts";
import { refuseGgufNames } from "../adapter/names/gguf.ts";
import { type MergePlan, usedInputs } from "./merge-plan.ts";

/** Refuse to write a PEFT adapter of inputs whose modules still have llama.cpp's names. */
export function refuseGgufInputs(plan: MergePlan, adapters: readonly Adapter[]): void {
  for (const t of usedInputs(plan)) refuseGgufNames(adapters[t]!.name, adapters[t]!.modules.keys());
}
