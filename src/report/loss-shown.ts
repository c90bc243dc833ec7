import { percent } from "../core/shown.ts";
import { MOST_COSINE } from "./lost-adapters.ts";
import type { MergeReport } from "./report.ts";

/** An adapter of which the result holds more is amplified; a plain sum of nine equal ones holds nine times each. */
const MOST_SHARE = 10;

/** Whether an adapter is lost, in a sentence or two. */
export function lossShown({ inputs, totals, warnings }: Pick<MergeReport, "inputs" | "totals" | "warnings">): string {
  if (warnings.some(({ id }) => id === "zero-result")) return "Everything is lost: the result changes nothing.";
  const found = inputs.flatMap(({ name }, t) => {
    const [share, cosine] = [totals.shares[t] ?? null, totals.cosines[t] ?? null];
    return share === null || cosine === null ? [] : [{ name, share, cosine }];
  });
  if (found.length === 0) return "The adapters change nothing.";
  const against = found.filter(({ cosine }) => cosine <= -MOST_COSINE).map(({ name }) => name);
  const lost = found.filter(({ cosine }) => Math.abs(cosine) < MOST_COSINE).map(({ name }) => name);
  const amplified = found.filter(({ share }) => share > MOST_SHARE);
  // What is lost or amplified has a share that says little: a small adapter that the others happen to agree with has a large one.
  const usual = found.filter(({ name, share }) => !lost.includes(name) && share <= MOST_SHARE);
  const [least, ...others] = usual.sort((one, other) => one.share - other.share);
  const none = least !== undefined && percent(least.share) === percent(0);
  return [
    ...(against.length === 0 ? [] : [`The result works against ${against.join(", ")}.`]),
    ...(lost.length === 0 ? [] : [`Practically lost: ${lost.join(", ")}.`]),
    ...(found.length > 1 && against.length + lost.length === 0 && !none ? ["No adapter is lost."] : []),
    ...amplified.map(
      ({ name, share }) => `${name} acts at ${Math.round(share)} times the strength that it was trained at.`,
    ),
    ...(least === undefined
      ? []
      : [
          `The result holds ${[least, ...others.slice(-1)].map(({ name, share }) => `${percent(share)} of ${name}`).join(" to ")}.`,
        ]),
  ].join(" ");
}
