import { describe, expect, it } from "vitest";
import type { Adapter, AdapterModule } from "../../../src/adapter/adapter.ts";
import { atLeadingUnits, leadingUnits, wholeRank } from "../../../src/adapter/lycoris/leading.ts";
import { filled } from "../../support/memory-folder.ts";
import { openFile } from "../../support/open-file.ts";

/** A LoKr of rank 10 x 5, with 100 inputs and 300 outputs. */
const LOKR = { "lora_unet_x.lokr_w1": [10, 20], "lora_unet_x.lokr_w2": [30, 5] };
/** A LoHa of rank 3 x 3, with 50 inputs and 40 outputs. */
const LOHA = {
  "lora_unet_y.hada_w1_a": [40, 3],
  "lora_unet_y.hada_w1_b": [3, 50],
  "lora_unet_y.hada_w2_a": [40, 3],
  "lora_unet_y.hada_w2_b": [3, 50],
};

function open(shapes: Readonly<Record<string, readonly number[]>>): Promise<Adapter> {
  const data = Object.entries(shapes).map(([key, shape]) => filled(key, shape));
  return openFile(data);
}
async function only(shapes: Readonly<Record<string, readonly number[]>>): Promise<AdapterModule> {
  const [module] = (await open(shapes)).modules.values();
  return module!;
}

describe("what is said of computed factors", () => {
  it("counts the modules, the largest rank and the size of all factors", async () => {
    // 4 bytes each of 50 (100 + 300) and of 9 (50 + 40) elements.
    expect((await open({ ...LOKR, ...LOHA })).notices).toEqual([
      {
        id: "exact-rank",
        text: "it holds 2 modules in a smaller form than factors (such as lora_unet_x.lokr_w1), read as LoRA of the same deltas: rank 50 at most, 83.2 kB of factors in f32; lora-lego resize --rank 25 writes a smaller LoRA that is close to it.",
      },
    ]);
  });

  it("no longer holds at the leading units, where all else does", async () => {
    const adapter = await open(LOKR);
    const other = { id: "bare-names" as const, text: "kept" };
    const cut = atLeadingUnits({ ...adapter, notices: [other, ...adapter.notices] }, 7);
    expect(cut.notices).toEqual([other]);
    expect([...cut.modules.values()].map(({ rank }) => rank)).toEqual([7]);
  });
});

describe("leadingUnits", () => {
  it("leaves the module its sizes and names, at the given rank", async () => {
    const module = await only(LOKR);
    const cut = leadingUnits(module, 7);
    expect(cut).toMatchObject({ name: "lora_unet_x", in: 100, out: 300, rank: 7, scale: 1 });
    expect([cut.a, cut.b].map(({ name, rank, size }) => [name, rank, size])).toEqual([
      ["lora_unet_x.lokr_w1", 7, 100],
      ["lora_unet_x.lokr_w1", 7, 300],
    ]);
    expect([wholeRank(module), wholeRank(cut)]).toEqual([50, 50]);
  });

  it.each([50, 51])("changes nothing at a rank of %i, where the module has 50 units", async (rank) => {
    const module = await only(LOKR);
    expect(leadingUnits(module, rank)).toBe(module);
  });

  it("changes no module that is not a Kronecker product", async () => {
    const module = await only(LOHA);
    expect(leadingUnits(module, 2)).toBe(module);
    const plain = await only({ "lora_unet_x.lora_down.weight": [4, 8], "lora_unet_x.lora_up.weight": [9, 4] });
    expect(leadingUnits(plain, 2)).toBe(plain);
  });
});
