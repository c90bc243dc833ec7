import { expect, it } from "vitest";
import { rankReason } from "../../src/cli/rank-shown.ts";

it("a rank says why it is not the largest of an adapter, unless somebody asked for it or named the method", () => {
  const method = { id: "tsv", plannedBecause: "of each it takes at most a part" };
  const reason = (rank: number, rest: Partial<Parameters<typeof rankReason>[0]> = {}): string =>
    rankReason({ method, chosen: "It keeps most.", asked: false, rank, adapters: [[4, 8], [32]], ...rest });
  expect(reason(32)).toBe("");
  expect(reason(16)).toBe(" (the most that tsv writes for them)");
  expect(reason(64)).toBe(" (room for each of 2 adapters)");
  expect([reason(16, { asked: true }), reason(64, { chosen: null }), reason(16, { method: { id: "svd" } })]).toEqual([
    "",
    "",
    "",
  ]);
});
