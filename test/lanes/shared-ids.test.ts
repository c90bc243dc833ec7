import { expect, it } from "vitest";
import type { ModuleResult } from "../../src/lanes/merger.ts";
import { SharedIds } from "../../src/lanes/shared-ids.ts";

const moduleOf = (own: Pick<ModuleResult, "index" | "dead" | "clusters">): ModuleResult => own as ModuleResult;

it("gives equal units of different modules one array, and changes nothing else", () => {
  const ids = new SharedIds();
  const members = [[0, 0] as const, [1, 0] as const];
  const given = [
    moduleOf({ index: 0, dead: [[1, 2]], clusters: [{ members, reweight: 2 }] }),
    moduleOf({ index: 1, dead: [], clusters: null }),
    moduleOf({ index: 2, dead: [[1, 0]], clusters: [{ members: [[1, 2]], reweight: null }] }),
  ];
  const shared = given.map((result) => ids.in(result));
  expect(shared).toEqual(given);
  expect(shared[2]!.clusters![0]!.members[0]).toBe(shared[0]!.dead[0]);
  expect(shared[2]!.dead[0]).toBe(shared[0]!.clusters![0]!.members[1]);
});
