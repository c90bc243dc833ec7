import { LoraLegoError, RefusedError } from "../core/errors.ts";
import type { Combination } from "../linalg/combination.ts";
import type { Pool } from "../units/pool.ts";
import type { MergedModule, Method } from "./method.ts";

/**
 * A method from outside, whose failures are told as its own and whose results are looked at before anything is made of them.
 *
 * Its `merge` throws RefusedError in one sentence with the method's id, where the method throws anything but an error of lora-lego, and where
 * it gives something else than units of the pool.
 */
export function guarded(method: Method): Method {
  // A method made of another's facts would merge many units as the other does.
  const { many: _, ...own } = method;
  return {
    ...own,
    async merge(pool, request) {
      let merged: MergedModule;
      try {
        merged = await method.merge(pool, request);
      } catch (error) {
        if (error instanceof LoraLegoError) throw error;
        const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        throw new RefusedError(`The method ${method.id} failed (${reason}); ask whoever wrote it.`);
      }
      const why = mistakeOf(merged, pool);
      if (why === null) return merged;
      throw new RefusedError(`The method ${method.id} gave ${why}; ask whoever wrote it.`);
    },
  };
}

/** What is wrong with a method's result, to go on from "gave"; null where nothing is. */
function mistakeOf(merged: Partial<MergedModule> | undefined | null, pool: Pool): string | null {
  const { combinations, rows } = merged ?? {};
  if (!Array.isArray(combinations) && !isRows(rows, pool)) return "neither combinations of the pool's units nor rows";
  for (const [i, combination] of (combinations ?? []).entries()) {
    const why = mistakeIn(combination, pool.count);
    if (why !== null) return `a combination ${i} ${why}`;
  }
  return null;
}

function isRows(rows: MergedModule["rows"] | undefined, pool: Pool): boolean {
  if (typeof rows !== "object" || rows === null) return false;
  return rows.a?.length === rows.count * pool.in && rows.b?.length === rows.count * pool.out;
}

function mistakeIn({ members, a, b }: Partial<Combination>, count: number): string | null {
  if (members === undefined || a?.length !== members.length || b?.length !== members.length) {
    return "without as many coefficients as members";
  }
  for (let x = 0; x < members.length; x++) {
    const member = members[x]!;
    if (!Number.isInteger(member) || member < 0 || member >= count) {
      return `with the member ${member}, but the pool has units 0 to ${count - 1}`;
    }
    if (!Number.isFinite(a[x]) || !Number.isFinite(b[x])) return "with a coefficient that is not finite";
  }
  return null;
}
