/** Below this cosine the result keeps almost nothing of a delta. A small delta that others agree with is not lost. */
export const MOST_COSINE = 0.05;
/** Below this share an adapter is hardly there, whatever its direction. */
const LEAST_SHARE = 0.05;
/** An adapter of which the result holds more is amplified; a plain sum of nine equal ones holds nine times each. */
export const MOST_SHARE = 10;

/** What a result holds of an adapter, as one word. */
export type Kept = "against" | "lost" | "hardly" | "amplified" | "held";

/**
 * The word for what a result holds of an adapter; tables, sentences and pages take it from here. A share says little of an adapter whose
 * cosine is nearly 0: the others may happen to agree with a small one.
 *
 * @param share <D', D_t> / |D_t|^2; null if the adapter is zero
 * @param cosine of D' and D_t; null if one is zero
 * @param apart whether it shares no module with another adapter, which could drown it
 */
export function keptOf(share: number | null, cosine: number | null, apart = false): Kept | null {
  if (share === null || cosine === null) return null;
  if (cosine <= -MOST_COSINE) return "against";
  if (cosine < MOST_COSINE && !apart) return "lost";
  if (share < LEAST_SHARE) return "hardly";
  return share > MOST_SHARE ? "amplified" : "held";
}
