import type { Adapter } from "../adapter/adapter.ts";
import type { Consumer } from "../adapter/consumers.ts";
import type { BaseFacts } from "./base-facts.ts";
import { checkBase, checkPlaces } from "./checks/base.ts";
import { undecidedFor } from "./checks/encoder.ts";
import { checkExperts } from "./checks/experts.ts";
import { checkFiles } from "./checks/files.ts";
import type { Finding } from "./checks/finding.ts";
import { checkImage } from "./checks/image.ts";
import { checkKinds, checkLayers, checkRanks, checkScales, checkStacks, otherModels } from "./checks/modules.ts";
import { checkNotices } from "./checks/notices.ts";
import { checkParametrisations } from "./checks/parametrisations.ts";
import { checkSettings } from "./checks/settings.ts";
import { checkValues } from "./checks/values.ts";
import { checkVariants } from "./checks/variants.ts";

export type { Finding } from "./checks/finding.ts";

/** Findings about an adapter in a consumer, and what was not checked. */
export interface Check {
  /** One per problem, each with its fix, first those that no command mends; empty if everything that was checked is fine. */
  readonly findings: readonly Finding[];
  /** What also matters but was not checked, as parts of a sentence that begins with "not looked at:". */
  readonly unseen: readonly string[];
  /** The one of these without which nothing can be said at all; null where there is none. */
  readonly undecided: string | null;
}

/**
 * Whether a consumer loads an adapter with the same meaning, as far as headers and configs show. Adapters that merge refuses are
 * checked like others.
 *
 * @param base what is known about the base model; null if nothing is
 * @param odd a tensor whose values are not all finite; null if there is none, or nobody looked
 */
export function checkOpened(
  adapter: Adapter,
  consumer: Consumer,
  base: BaseFacts | null = null,
  odd: string | null = null,
): Check {
  const foreign = otherModels(adapter, consumer);
  if (foreign !== null) return { findings: [foreign, ...checkValues(odd, consumer)], unseen: [], undecided: null };
  const unseen: string[] = [];
  const findings = [
    // Whatever else is found, it is the wrong base model.
    ...checkPlaces(adapter, consumer, base, unseen),
    ...checkFiles(adapter, consumer),
    ...checkNotices(adapter, consumer, unseen),
    ...checkVariants(adapter, consumer, unseen),
    ...checkParametrisations(adapter, consumer, unseen),
    ...checkKinds(adapter, consumer),
    ...checkRanks(adapter, consumer),
    ...checkScales(adapter, consumer),
    ...checkSettings(adapter, consumer, unseen),
    ...checkLayers(adapter, consumer),
    ...checkStacks(adapter, consumer),
    ...checkExperts(adapter, consumer, unseen),
    ...checkImage(adapter, consumer, unseen),
    ...checkBase(adapter, consumer, base, unseen),
    ...checkValues(odd, consumer),
  ];
  return { findings: decisiveFirst(findings), unseen, undecided: undecidedFor(adapter, consumer, base) };
}

/** The findings with those first that no command mends: beside them the others do not matter. Notes are last. */
function decisiveFirst(findings: readonly Finding[]): Finding[] {
  const rank = ({ level, mend }: Finding): number => (level === "note" ? 2 : mend === undefined ? 0 : 1);
  return [...findings].sort((one, other) => rank(one) - rank(other));
}

/** Whether nothing was found that keeps an adapter from loading with the same meaning. */
export function isGood({ findings }: Pick<Check, "findings">): boolean {
  return findings.every(({ level }) => level === "note");
}
