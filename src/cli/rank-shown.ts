import { type ConsumerId, consumerById } from "../adapter/consumers.ts";
import { maximum } from "../core/maximum.ts";
import type { Method } from "../methods/method.ts";

/** A merge, as the reason for its rank shows in it. */
interface RankedMerge {
  readonly method: Pick<Method, "id" | "plannedBecause">;
  /** Why its method was chosen; null if it was named. */
  readonly chosen: string | null;
  /** Whether somebody asked for its rank. */
  readonly asked: boolean;
  /** Before units of zeros are added. */
  readonly rank: number;
  /** The ranks of each adapter that acts. */
  readonly adapters: readonly (readonly number[])[];
}

/** Why a merge has another rank than the largest of an adapter, behind the rank in its line; nothing where it has that, or somebody asked for it. */
export function rankReason({ method, chosen, asked, rank, adapters }: RankedMerge): string {
  const largest = maximum(adapters.flat());
  if (chosen === null || asked || rank === largest) return "";
  if (rank > largest) return ` (room for each of ${adapters.length} adapters)`;
  return method.plannedBecause === undefined ? "" : ` (the most that ${method.id} writes for them)`;
}

/** How a result comes to its rank where the program takes a larger one. @param most whether it may be less */
export function paddingShown(
  rank: number,
  reason: string,
  written: number,
  consumer: ConsumerId,
  most: boolean = false,
): string {
  const { title } = consumerById(consumer);
  return `It is merged at rank ${rank}${most ? " at most" : reason}, and units of zeros make that ${written}, which ${title} takes.`;
}
