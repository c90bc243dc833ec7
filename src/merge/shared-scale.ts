/** The scale that all inputs share, if it can be written as a whole alpha at every written rank; else null. */
export function sharedScale(
  sources: readonly { readonly scale: number }[],
  written: readonly { readonly rank: number }[],
): number | null {
  const { scale } = sources[0]!;
  if (sources.some((other) => other.scale !== scale)) return null;
  const whole = (alpha: number): boolean => Math.abs(alpha / Math.round(alpha) - 1) < 1e-12;
  return written.every(({ rank }) => whole(scale * rank)) ? scale : null;
}

/** lora_alpha of modules of a rank whose factors are left without a scale (null: without none, so that alpha / rank is 1). */
export function alphaOf(scale: number | null, rank: number): number {
  return scale === null ? rank : Math.round(scale * rank);
}
