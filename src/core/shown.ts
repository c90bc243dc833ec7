/** A figure with three decimals, or with four digits if it is large or tiny; a dash for none. */
export function figure(value: number | null): string {
  if (value === null) return "-";
  const size = Math.abs(value);
  return size >= 1e4 || (size > 0 && size < 5e-4) ? value.toPrecision(4) : value.toFixed(3);
}

/** A size in the unit that fits. */
export function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

/** A share in whole percent, or with three digits if it is huge; a dash for none. */
export function percent(share: number | null): string {
  if (share === null) return "-";
  const shown = Math.abs(share) >= 1e4 ? (100 * share).toPrecision(3) : (100 * share).toFixed(0);
  return `${shown.replace(/^-0$/, "0")}%`;
}

/** A share in percent, with as many decimals as tell it from a limit, at most three; a dash for none. */
export function percentBeside(share: number | null, limit: number): string {
  return share === null ? "-" : `${decimalsBeside(100 * share, 100 * limit, 0)}%`;
}

/** A number with as many decimals as tell it from a limit, at most three; with the least if none do. */
export function decimalsBeside(value: number, limit: number, least: number): string {
  for (let digits = least; digits <= 3; digits++) {
    if (value.toFixed(digits) !== limit.toFixed(digits)) return value.toFixed(digits);
  }
  return value.toFixed(least);
}
