import { mergeInMemory } from "../../src/merge/merge.ts";
import type { MadeMerge } from "../../web/state/merge.ts";
import { linear, openPeft } from "../support/memory-folder.ts";

/** A merge as the page holds it: one adapter by cat, with the given files. */
export async function madeMerge(name: string, files: MadeMerge["files"]): Promise<MadeMerge> {
  const tensors = linear("q").map((tensor) => ({ ...tensor, data: tensor.data.fill(0x3d) }));
  const { report } = await mergeInMemory([await openPeft(tensors)], { method: "cat" });
  return {
    number: 1,
    run: 1,
    place: 0,
    name,
    title: "cat, rank 2",
    recipe: { method: "cat" },
    report,
    files,
    kept: { format: "peft", families: [], metadata: new Map() },
    loading: { lines: [], single: null, against: null, undecided: [], base: null },
    seconds: 1,
    checks: null,
  };
}
