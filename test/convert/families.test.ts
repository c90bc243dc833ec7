import { describe, expect, it } from "vitest";
import { DENOISERS } from "../../src/families/families.ts";
import { expectDeltas, filesOf, mergedDeltas, openBytes, RANK, sum } from "../support/family-files.ts";
import { fileDeltas } from "../support/file-deltas.ts";
import { written } from "../support/written.ts";

describe.each(DENOISERS.map((family) => [family.title, family] as const))("%s", (_, family) => {
  const files = filesOf(family);

  it.each(files)("in the names of $title is read as the family, delta by delta", async ({ bytes, deltas }) => {
    const adapter = await openBytes("mine", bytes);
    expect(adapter.families[0]).toBe(family.id);
    expectDeltas(await mergedDeltas(family, [adapter]), deltas);
  });

  // test/slow/family-pairs.test.ts merges every pair.
  it.each(files.map((one, i) => ({ one, other: files[(i + 4) % files.length]! })))(
    "merges $one.title with $other.title to the sum of both",
    async ({ one, other }) => {
      const both = [await openBytes("one", one.bytes), await openBytes("other", other.bytes)];
      expectDeltas(await mergedDeltas(family, both), sum(one.deltas, other.deltas));
    },
  );

  it.each(files)("goes from $title to kohya and to diffusers and back with the same deltas", async (file) => {
    const adapter = await openBytes("mine", file.bytes);
    for (const [to, name] of [
      ["kohya", "adapter.safetensors"],
      ["diffusers", "pytorch_lora_weights.safetensors"],
    ] as const) {
      const bytes = (await written(adapter, to))[name] as Uint8Array;
      expectDeltas(await mergedDeltas(family, [await openBytes("there", bytes)]), file.deltas);
    }
  });

  it("cuts B and repeats A for diffusers, and gets the same rank back in kohya's names", async () => {
    const adapter = await openBytes("mine", files[0]!.bytes);
    const there = (await written(adapter, "diffusers"))["pytorch_lora_weights.safetensors"] as Uint8Array;
    for (const { rank } of fileDeltas(there).values()) expect(rank).toBe(RANK);
    const back = (await written(await openBytes("there", there), "kohya"))["adapter.safetensors"] as Uint8Array;
    for (const { rank } of fileDeltas(back).values()) expect(rank).toBe(RANK);
  });
});
