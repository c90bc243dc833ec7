/**
 * Effective rank of a spectrum: exp of the entropy of the singular values' shares (Roy and Vetterli 2007). 1 for a single
 * direction, the number of values for equal ones, 0 for none.
 */
export function effectiveRank(sigma: readonly number[]): number {
  const total = sigma.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  let entropy = 0;
  for (const value of sigma) if (value > 0) entropy -= (value / total) * Math.log(value / total);
  return Math.exp(entropy);
}
