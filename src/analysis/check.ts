import type { Adapter } from "../adapter/adapter.ts";
import type { Consumer } from "../adapter/consumers.ts";
import type { BaseFacts } from "./base-facts.ts";
import { checkBase } from "./checks/base.ts";
import { checkExperts } from "./checks/experts.ts";
import { checkFiles } from "./checks/files.ts";
import type { Finding } from "./checks/finding.ts";
import { checkImage } from "./checks/image.ts";
import { checkKinds, checkLayers, checkRanks, checkScales, checkStacks, otherModels } from "./checks/modules.ts";
import { checkNotices } from "./checks/notices.ts";
import { checkSettings } from "./checks/settings.ts";
import { checkVariants } from "./checks/variants.ts";

export type { Finding } from "./checks/finding.ts";

/** What was found of an adapter in a consumer, and what was not looked at. */
export interface Check {
  /** One per problem, each with its fix; none where all that was looked at is well. */
  readonly findings: readonly Finding[];
  /** What decides too and was not looked at: parts of a sentence that begins with "not looked at:". */
  readonly unseen: readonly string[];
}

/**
 * Whether a consumer loads an adapter, and whether it means the same there, as far as headers and configs tell. Adapters that merge
 * refuses are checked like others.
 *
 * @param base what is known of the base model; null where nothing is
 */
export function checkOpened(adapter: Adapter, consumer: Consumer, base: BaseFacts | null = null): Check {
  const foreign = otherModels(adapter, consumer);
  if (foreign !== null) return { findings: [foreign], unseen: [] };
  const unseen: string[] = [];
  const findings = [
    ...checkFiles(adapter, consumer),
    ...checkNotices(adapter, consumer, unseen),
    ...checkVariants(adapter, consumer, unseen),
    ...checkKinds(adapter, consumer),
    ...checkRanks(adapter, consumer),
    ...checkScales(adapter, consumer),
    ...checkSettings(adapter, consumer, unseen),
    ...checkLayers(adapter, consumer),
    ...checkStacks(adapter, consumer),
    ...checkExperts(adapter, consumer),
    ...checkImage(adapter, consumer, unseen),
    ...checkBase(adapter, consumer, base, unseen),
  ];
  return { findings, unseen };
}

/** Whether nothing was found that keeps an adapter from loading and meaning the same. */
export function isGood({ findings }: Check): boolean {
  return findings.every(({ level }) => level === "note");
}
