const COLLATOR = new Intl.Collator("en", { numeric: true });

/** Order of dotted paths with numbers by value ("layers.2" before "layers.10"). A total order, so input order never matters. */
export function compareNaturally(one: string, other: string): number {
  return COLLATOR.compare(one, other) || (one < other ? -1 : one > other ? 1 : 0);
}
