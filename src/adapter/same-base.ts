/** Whether a base model is named by where it was on the machine of a training: names on the Hub have one slash at most. */
export function isPath(base: string): boolean {
  return /^[./~]|^[a-z]:|\\|\/.*\//i.test(base);
}

/**
 * Whether two names mean one base model: "same" for equal names, "different" for two of the Hub whose last parts differ, and "unknown" for
 * others. A path says where a machine kept a model, not which one it is, and a model's name under another owner may be a copy or not.
 */
export function sameBase(one: string, other: string): "same" | "different" | "unknown" {
  const [first, second] = [one, other].map((name) => name.replace(/\/+$/, "")) as [string, string];
  if (first === second) return "same";
  if (isPath(first) || isPath(second)) return "unknown";
  const [own, others] = [first, second].map((name) => name.toLowerCase()) as [string, string];
  if (own === others) return "same";
  return own.split("/").at(-1) === others.split("/").at(-1) ? "unknown" : "different";
}
