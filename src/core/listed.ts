/** "a", "a and b", "a, b and c". @param last the word before the last one */
export function listed(names: readonly string[], last = "and"): string {
  return [names.slice(0, -1).join(", "), ...names.slice(-1)].filter((part) => part !== "").join(` ${last} `);
}
