import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { layerKind } from "../../../src/analysis/audit/kind-conflicts.ts";
import { type Recommendation, recommend } from "../../../src/analysis/audit/recommend.ts";
import type { SetFacts } from "../../../src/analysis/audit/set-facts.ts";
import { freeNamesFrom } from "../../../src/core/free-names.ts";
import { EnergyByRank } from "../../../src/figures/energy-by-rank.ts";
import { makePlan } from "../../../src/plan/plan.ts";
import { MEASURED } from "../../../src/report/measured.ts";
import { openPico, randomAdapter } from "../../support/pico.ts";

const energies = new EnergyByRank();
energies.add([3, 2, 1, 1, 1]);

/** The recommendation for adapters of these ranks. */
async function recommended(
  ranks: readonly number[],
  facts: Partial<SetFacts> = {},
  module = "q",
): Promise<Recommendation> {
  const adapters = await Promise.all(
    ranks.map((rank, t) =>
      openPico(`adapter-${t}`, randomAdapter(t, { rank, modules: { [module]: { in: 40, out: 50 } } })),
    ),
  );
  const paths = adapters.map(({ name }) => name);
  const acts = facts.acts ?? ranks.map(() => true);
  const kept = { acts, energies };
  const formats = adapters.map(({ format }) => format);
  const all = {
    paths,
    formats,
    free: freeNamesFrom(1, () => false),
    extras: null,
    allowPartial: false,
    acts,
    repeats: [],
    merges: [],
    faint: [],
    sharedStart: [],
    shareOfB: null,
    weights: null,
    energies,
    lost: [],
    kept,
    ...facts,
  };
  return recommend(makePlan(adapters, {}, { acting: all.acts.filter(Boolean).length }), all);
}

describe("recommend", () => {
  it("makes the merge of --method auto, at the largest rank where that fits", async () => {
    const { method, scale, rank, weights, reason, command, basis } = await recommended([4, 4, 4]);
    expect([method, scale, rank, weights]).toEqual(["tsv", "auto", 4, null]);
    expect(reason).toBe("tsv was chosen for 3 adapters: it keeps several adapters best in most sets measured.");
    expect(command).toBe("lora-lego merge adapter-0 adapter-1 adapter-2 --out merged");
    expect(basis).toEqual([MEASURED.auto, MEASURED.autoPretrained]);
  });

  it("says what its ranks can hold, by hand: 15 of 16 parts, and all", async () => {
    const { room, lego } = await recommended([4, 4, 4], { sharedStart: [[0, 1, 2]] });
    expect([room, lego!.room]).toEqual([15 / 16, 1]);
  });

  it("says where the method writes less than the largest rank: of 40, 13 of each that has more", async () => {
    const { rank, reason } = await recommended([4, 4, 40]);
    expect(rank).toBe(21);
    expect(reason).toMatch(
      / Rank 21 is the most that tsv writes for them: of each adapter it takes at most the module's /,
    );
    expect((await recommended([4, 4, 8])).reason).not.toContain("is the most");
  });

  it("cites what was measured on text for models of text alone", async () => {
    const bases = async (module: string) => {
      const { basis, lego } = await recommended([4, 4, 4], {}, module);
      return [basis.length, lego!.basis.length];
    };
    expect(await bases("q")).toEqual([2, 1]);
    for (const module of ["unet.mid_block.attentions.0.proj_in", "w_000", "unet:12"]) {
      expect(await bases(module)).toEqual([0, 0]);
    }
  });

  it("leaves out what is nearly another adapter, and says so", async () => {
    const { command, reason, method } = await recommended([4, 4, 4], {
      acts: [true, false, true],
      repeats: [{ name: "adapter-1", of: "adapter-0" }],
    });
    expect([method, command]).toEqual(["tsv", "lora-lego merge adapter-0 adapter-2 --out merged"]);
    expect(reason).toMatch(/ adapter-1 is left out: it is nearly adapter-0, which would count twice\.$/);
    const several = await recommended([4, 4, 4, 4], {
      acts: [true, false, true, false],
      repeats: [
        { name: "adapter-1", of: "adapter-0" },
        { name: "adapter-3", of: "adapter-2" },
      ],
    });
    expect(several.reason).toMatch(
      /\. adapter-1 \(nearly adapter-0\) and adapter-3 \(nearly adapter-2\) are left out: they would count twice\.$/,
    );
  });

  it("returns a single adapter by svd, and has no LEGO for it", async () => {
    expect(await recommended([4])).toMatchObject({ method: "svd", scale: 1, rank: 4, lego: null });
    expect(await recommended([4, 4], { acts: [true, false] })).toMatchObject({ method: "svd", lego: null });
  });

  it.each([
    ["twice the rank if most began alike", [4, 4, 4], { sharedStart: [[0, 2]] }, 8, MEASURED.sharedStart],
    ["the same rank if they did not", [4, 4, 4, 4], { sharedStart: [[0, 2]] }, 4, MEASURED.startsApart],
    ["the same rank for two", [4, 4], { sharedStart: [[0, 1]] }, 4, MEASURED.twoAdapters],
    [
      "the geometric mean of unequal ranks, 128^(1/3)",
      [2, 16, 4],
      { sharedStart: [[0, 1, 2]] },
      5,
      MEASURED.ranksDiffer,
    ],
    ["ranks of adapters that act", [4, 4, 8], { acts: [true, true, false] }, 4, null],
  ])("gives LEGO %s", async (_, ranks, facts, rank, basis) => {
    const { lego } = await recommended(ranks, facts);
    expect(lego!.rank).toBe(rank);
    if (basis !== null) expect(lego!.basis).toEqual([basis]);
    expect(lego!.command).toMatch(
      new RegExp(`--method lego --rank ${rank} --report merged-2/report\\.json --out merged-2$`),
    );
  });

  it("leaves it to a finding that most began alike, and says what twice the rank is for", async () => {
    const { lego } = await recommended([4, 4, 4], { sharedStart: [[0, 1, 2]] });
    expect(lego!.reason).toMatch(/^Twice the rank lets LEGO group the units of one seed by what they do/);
    expect(lego!.reason).not.toContain("random A");
  });

  it("takes a rank that leaves room for each adapter, where there are more of them than ranks", async () => {
    const { rank, room, basis, reason, command } = await recommended([4, 4, 4, 4, 4], { weights: [1, 2, 3, 1, 1] });
    expect([rank, room]).toEqual([8, 1]);
    expect(basis).toEqual([MEASURED.roomPretrained, MEASURED.shortOfRanks]);
    expect(reason).toMatch(
      / Rank 4, the largest of an adapter, leaves some of 5 adapters without a direction of their own\.$/,
    );
    expect(command).toMatch(/ --weights 1,2,3,1,1 --out merged$/);
  });

  it("takes a rank that can hold enough of the sum, for LEGO too (13 of 16 parts at rank 2, by hand)", async () => {
    const { rank, reason, basis, lego } = await recommended([2, 2, 2]);
    expect([rank, lego!.rank]).toEqual([4, 4]);
    expect(reason).toMatch(
      / Rank 2, the largest of an adapter, can hold 81% of the energy of their sum, and less than 90% is too little\.$/,
    );
    expect([basis, lego!.basis]).toEqual([[MEASURED.auto, MEASURED.shortOfEnergy], [MEASURED.shortOfEnergy]]);
    // Three adapters get it anyway, and two do not.
    expect((await recommended([2, 2, 2])).command).toMatch(/adapter-2 --out merged$/);
    expect((await recommended([2, 2])).command).toMatch(/adapter-1 --rank 4 --out merged$/);
  });

  it("offers the merge without an adapter that only an extreme weight keeps, and says for whom each is", async () => {
    const lost = [{ name: "adapter-1", times: 210 }];
    const kept = { acts: [true, false, true], energies };
    const { reason, command, without, lego } = await recommended([4, 4, 4], { weights: [1, 210, 1], lost, kept });
    expect(command).toBe("lora-lego merge adapter-0 adapter-1 adapter-2 --weights 1,210,1 --out merged");
    expect(reason).toMatch(
      / A weight of 210 for adapter-1 amplifies its noise as much: take it if adapter-1 is fully trained .*, else leave adapter-1 out\.$/,
    );
    expect(without!.command).toBe("lora-lego merge adapter-0 adapter-2 --out merged-2");
    expect(lego!.command).toBe(
      "lora-lego merge adapter-0 adapter-2 --method lego --rank 4 --report merged-3/report.json --out merged-3",
    );
    expect((await recommended([4, 4])).without).toBeNull();
  });

  it("writes paths and weights as a shell takes them", async () => {
    const { command } = await recommended([4, 4], { paths: ["my math", "it's"], weights: [1, 25] });
    expect(command).toBe(String.raw`lora-lego merge 'my math' 'it'\''s' --weights 1,25 --out merged`);
    const odd = await recommended([4, 4], { paths: ["-x", "- y.safetensors"] });
    expect(odd.command).toBe("lora-lego merge ./-x './- y.safetensors' --out merged");
  });
});

describe("what recommendations rest on", () => {
  it.each(Object.entries(MEASURED))("stands in the documents: %s", (_, { text, link }) => {
    const [file, anchor] = link.split("#") as [string, string?];
    expect(existsSync(file)).toBe(true);
    if (anchor === undefined) return;
    const sections = readFileSync(file, "utf8").split(/^(?=#{2,3} )/m);
    const own = sections.findIndex((section) => {
      const heading = /^#+ (.+)$/m.exec(section)?.[1] ?? "";
      return (
        heading
          .toLowerCase()
          .replaceAll(/[^\w -]/g, "")
          .replaceAll(" ", "-") === anchor
      );
    });
    expect(own).toBeGreaterThan(0);
    // A section of the second level goes on in those of the third.
    const rest = sections.slice(own + 1);
    const next = sections[own]!.startsWith("###") ? 0 : rest.findIndex((section) => section.startsWith("## "));
    const whole = [sections[own]!, ...rest.slice(0, next)].join("");
    const figures = text.match(/\d+\.\d/g) ?? [];
    expect(figures.length).toBeGreaterThan(0);
    for (const figure of figures) expect(whole, figure).toContain(figure);
  });
});

describe("layerKind", () => {
  it.each([
    ["model.layers.3.self_attn.q_proj", "q_proj"],
    ["down_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0", "to_out"],
    ["lora_unet_mid", "lora_unet_mid"],
    ["0", "0"],
    ["w_000", "w"],
    ["w_1234", "w"],
    ["unet:12", "unet"],
    ["text_encoder:0", "text_encoder"],
    ["w_12", "w_12"],
  ])("of %s is %s", (module, kind) => {
    expect(layerKind(module)).toBe(kind);
  });
});
