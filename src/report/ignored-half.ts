/** B's share of the squared length below which clustering hardly sees it. */
const LEAST_SHARE_OF_B = 0.02;

/** What to know where LEGO hardly sees the units' halves in B, in a sentence; null where it does. @param shareOfB of their squared length */
export function ignoredHalf(shareOfB: number | null): string | null {
  if (shareOfB === null || shareOfB >= LEAST_SHARE_OF_B) return null;
  const percent = (100 * shareOfB).toPrecision(2);
  return `B makes up ${percent}% of the units' squared length, so they are grouped by A alone; the gauge balanced, which weighs both alike, may keep more or less.`;
}
