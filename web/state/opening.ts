import { signal } from "@preact/signals";
import { sentenceOf } from "./explorer.ts";

/** Why dropped, picked or named adapters could not be opened at all. */
export const openingError = signal<string | null>(null);

/** Which files were left out. */
export const openingNote = signal<string | null>(null);

/** Open adapters and show any error. */
export function opening(work: () => Promise<unknown>): void {
  openingError.value = null;
  openingNote.value = null;
  work().catch((error: unknown) => {
    openingError.value = sentenceOf(error);
  });
}
