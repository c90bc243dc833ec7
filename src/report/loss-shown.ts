import { figure, percent } from "../core/shown.ts";
import { apartIn } from "./apart.ts";
import { type Kept, keptOf } from "./kept.ts";
import type { MergeReport } from "./report.ts";

type Shown = Pick<MergeReport, "inputs" | "totals" | "warnings" | "modules">;

interface Held {
  readonly name: string;
  readonly share: number;
}

/** Whether an adapter is lost, in a sentence or two. */
export function lossShown({ inputs, totals, warnings, modules }: Shown): string {
  if (warnings.some(({ id }) => id === "zero-result")) return "Everything is lost: the result changes nothing.";
  const apart = apartIn({ inputs, modules });
  const found = inputs.flatMap(({ name }, t) => {
    const [share, cosine] = [totals.shares[t] ?? null, totals.cosines[t] ?? null];
    const kept = keptOf(share, cosine, apart.has(t));
    return kept === null ? [] : [{ name, share: share!, cosine: cosine!, kept, apart: apart.has(t) }];
  });
  if (found.length === 0) return "The adapters change nothing.";
  const are = (kept: Kept) => found.filter((each) => each.kept === kept);
  const alone = found.filter((each) => each.apart);
  const lost = are("lost").map(({ name, cosine }) => `${name} (cosine ${figure(cosine)})`);
  const hardly = are("hardly").map(({ name, share }) => `${name} (${percent(share)})`);
  const none = are("held").length + are("amplified").length === found.length;
  const [least, ...others] = [...are("held"), ...are("against")].sort((one, other) => one.share - other.share);
  return [
    ...(are("against").length === 0 ? [] : [`The result works against ${namesOf(are("against"))}.`]),
    ...(lost.length === 0 ? [] : [`Practically lost: ${lost.join(", ")}.`]),
    ...(hardly.length === 0 ? [] : [`Hardly anything is left of ${hardly.join(", ")}.`]),
    ...apartShown(alone, found.length),
    ...(found.length - alone.length > 1 && none ? [`No ${alone.length > 0 ? "other " : ""}adapter is lost.`] : []),
    ...are("amplified").map(
      ({ name, share }) =>
        `${name} acts at ${share >= 1e4 ? share.toPrecision(3) : Math.round(share)} times the strength that it was trained at.`,
    ),
    ...(least === undefined ? [] : [`The result holds ${rangeOf(least, others, found.length)}.`]),
  ].join(" ");
}

/** What is held of the adapter of which it is least, and of the one of which it is most; of those between nothing is said. */
function rangeOf(least: Held, others: readonly Held[], count: number): string {
  const of = ({ name, share }: Held): string => `${percent(share)} of ${name}`;
  const most = others.at(-1);
  if (most === undefined) return of(least);
  if (percent(least.share) !== percent(most.share)) return `${of(least)} to ${of(most)}`;
  return `${percent(least.share)} of each${others.length + 1 < count ? " other one" : ""}`;
}

/** What a result is for adapters that share no module with another. */
function apartShown(alone: readonly { readonly name: string }[], count: number): string[] {
  if (alone.length === 0 || count < 2) return [];
  if (alone.length === count) {
    return ["No two adapters share a module: nothing was merged, and each is in the result by itself."];
  }
  return [
    `${namesOf(alone)} ${alone.length === 1 ? "shares" : "share"} no module with another adapter: nothing was merged there.`,
  ];
}

function namesOf(adapters: readonly { readonly name: string }[]): string {
  return adapters.map(({ name }) => name).join(", ");
}
