import { describe, it } from "vitest";
import { DENOISERS } from "../../src/families/families.ts";
import { expectDeltas, filesOf, mergedDeltas, openBytes, sum } from "../support/family-files.ts";

// Every family of image and video models, and every pair of ways to name its weights.
describe.each(DENOISERS.map((family) => [family.title, family] as const))("%s", (_, family) => {
  const files = filesOf(family);

  it.each(files.slice(0, -1))("merges $title with every later dialect to the sum of both", async (one) => {
    const mine = await openBytes("one", one.bytes);
    for (const other of files.slice(files.indexOf(one) + 1)) {
      const merged = await mergedDeltas(family, [mine, await openBytes("other", other.bytes)]);
      expectDeltas(merged, sum(one.deltas, other.deltas));
    }
  });
});
