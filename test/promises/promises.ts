/**
 * What stands behind a sentence of a document: tests, as "folder/file > name of the test" below test; `MEASURED` and the script that measures
 * or checks it; or `EXPLAINS` alone, where it promises nothing but says how a thing is used, what it means or why it is so.
 */
export type Grounds = readonly [string, ...string[]];

export const EXPLAINS = "explains";
export const MEASURED = "measured by ";

/** A document, or a section of one, whose sentences all have their grounds. */
export interface PromisingText {
  /** Path below the repository's root. */
  readonly document: string;
  /** null for all of it. */
  readonly heading: string | null;
  /** Every sentence, as it stands there. */
  readonly sentences: readonly (readonly [sentence: string, ...grounds: Grounds])[];
}
