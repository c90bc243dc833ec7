import { type Consumer, consumerById } from "../adapter/consumers.ts";
import { formatsFor, holdsForm } from "../convert/forms.ts";
import { refuseNoPeft } from "../plan/for-consumer.ts";
import type { Recipe } from "../recipe/recipe.ts";

/** What a page makes besides a PEFT folder: the single file of an image model. */
export const SINGLE_FILE = ".safetensors";

/** Whether a program loads single files rather than PEFT folders. */
export function loadsSingleFile(consumer: Consumer): boolean {
  return !consumer.formats.includes("peft") && formatsFor(consumer).some((format) => holdsForm(format, SINGLE_FILE));
}

/** Refuse to merge for a program that loads nothing that a page makes. @throws UsageError */
export function refuseUnmade({ for: id }: Pick<Recipe, "for">): void {
  if (id !== undefined && !loadsSingleFile(consumerById(id))) refuseNoPeft({ for: id });
}
