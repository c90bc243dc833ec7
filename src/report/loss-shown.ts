import { percent } from "../core/shown.ts";
import { MOST_COSINE } from "./lost-adapters.ts";
import type { MergeReport } from "./report.ts";

/** Whether an adapter is lost, in a sentence or two. */
export function lossShown({ inputs, totals, warnings }: Pick<MergeReport, "inputs" | "totals" | "warnings">): string {
  if (warnings.some(({ id }) => id === "zero-result")) return "Everything is lost: the result changes nothing.";
  const found = inputs.flatMap(({ name }, t) => {
    const [share, cosine] = [totals.shares[t] ?? null, totals.cosines[t] ?? null];
    return share === null || cosine === null ? [] : [{ name, share, cosine }];
  });
  const [least, ...others] = found.sort((one, other) => one.share - other.share);
  if (least === undefined) return "The adapters change nothing.";
  const against = found.filter(({ cosine }) => cosine <= -MOST_COSINE).map(({ name }) => name);
  const lost = found.filter(({ cosine }) => Math.abs(cosine) < MOST_COSINE).map(({ name }) => name);
  const good = against.length + lost.length === 0 && percent(least.share) !== percent(0);
  return [
    ...(against.length === 0 ? [] : [`The result works against ${against.join(", ")}.`]),
    ...(lost.length === 0 ? [] : [`Practically lost: ${lost.join(", ")}.`]),
    ...(good && others.length > 0 ? ["No adapter is lost."] : []),
    `The result holds ${[least, ...others.slice(-1)].map(({ name, share }) => `${percent(share)} of ${name}`).join(" to ")}.`,
  ].join(" ");
}
