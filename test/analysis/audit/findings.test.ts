import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { type Audit, auditSet } from "../../../src/analysis/audit/audit-set.ts";
import { tightKernels } from "../../support/kernels.ts";
import { openPico, type PicoAdapter, randomAdapter } from "../../support/pico.ts";

const audited = (adapters: readonly Adapter[]): Promise<Audit> =>
  auditSet(
    tightKernels(),
    adapters,
    adapters.map(({ name }) => name),
  );
const found = ({ findings }: Audit, id: string) => findings.filter((finding) => finding.id === id);
/** A delta of one entry, at (at, at) of a module. */
const entry = (name: string, at: number, size: number, rest: Partial<PicoAdapter> = {}): Promise<Adapter> => {
  const line = (value: number): number[] => [0, 1, 2].map((x) => (x === at ? value : 0));
  return openPico(name, { modules: { "layers.0.q_proj": { A: [line(1)], B: line(size).map((x) => [x]) } }, ...rest });
};

describe("the findings of a set", () => {
  it("are none for adapters that have nothing to do with each other", async () => {
    // Rank 1 can hold 16/17 of the energies 1 and 16 of their sum, but leaves one of two without a direction.
    const audit = await audited([await entry("a", 0, 1), await entry("b", 1, 4)]);
    expect(audit.recommendation).toMatchObject({ rank: 2, room: 1 });
    expect([audit.findings, audit.good]).toEqual([[], true]);
  });

  it("name an adapter that the sum would lose, and the weight that the recommended merge then has (by hand)", async () => {
    // The others' mean is (3 + 4.5) / 2 = 3.75, 150 times 0.025.
    const audit = await audited([await entry("a", 0, 3), await entry("b", 1, 0.025), await entry("c", 2, 4.5)]);
    expect(found(audit, "lost-adapter")).toEqual([
      {
        level: "problem",
        id: "lost-adapter",
        text: "b would be lost: its deltas are 150 times smaller than the others' and have cosine 0.005 with the sum; a weight of 150 would balance it, and amplify its noise as much.",
      },
    ]);
    expect(audit.recommendation).toMatchObject({
      weights: [1, 150, 1],
      command: "lora-lego merge a b c --weights 1,150,1 --out merged",
    });
    expect(audit.recommendation!.without!.command).not.toContain("--weights");
    const even = await audited([await entry("a", 0, 3), await entry("b", 1, 0.3)]);
    expect([even.findings, even.recommendation!.weights]).toEqual([[], null]);
  });

  it("leave adapters that change nothing out of the recommended commands", async () => {
    const audit = await audited([
      await entry("a", 0, 3),
      await entry("none", 1, 0),
      await entry("c", 2, 4.5),
      await entry("d", 1, 0.02),
    ]);
    const { command, leaves, lego, without } = audit.recommendation!;
    expect([leaves, without!.leaves]).toEqual([[1], [1, 3]]);
    expect(command).toMatch(/^lora-lego merge a c d --weights 1,1,\d+ --out merged$/);
    // d is lost in the sum, and weights of LEGO do not bring it back; of a and c alone rank 2 keeps every unit.
    expect(lego).toBeNull();
  });

  it("leave out what no weight brings to the size of the others, and advise none", async () => {
    const audit = await audited([await entry("a", 0, 3), await entry("b", 1, 1e-20), await entry("c", 2, 4.5)]);
    expect(found(audit, "lost-adapter")[0]!.text).toMatch(/; no weight balances it, so leave it out\.$/);
    const { command, reason, without } = audit.recommendation!;
    expect([command, without]).toEqual(["lora-lego merge a c --out merged", null]);
    expect(reason).toMatch(/ b is left out: beside the others it is nearly zero\.$/);
  });

  it("are a recommended merge all the same where only other tensors speak against it, which it leaves out", async () => {
    const extras = { "base_model.model.score.weight": [[1, 2]] };
    const audit = await audited([await entry("a", 0, 1, { extras }), await entry("b", 1, 1, { extras })]);
    expect(found(audit, "refused")[0]!.text).toMatch(/; choose --extras drop, first or average\.$/);
    expect(audit.recommendation!.command).toBe("lora-lego merge a b --extras drop --out merged");
    expect(audit.recommendation!.extras).toBe("drop");
  });

  it("say of adapters that cancel each other out that there is nothing to merge", async () => {
    const audit = await audited([await entry("a", 0, 3), await entry("b", 0, -3)]);
    expect(found(audit, "zero-result")).toEqual([
      { level: "problem", id: "zero-result", text: expect.stringMatching(/^The adapters cancel each other out/) },
    ]);
    expect([audit.good, audit.recommendation, found(audit, "rank-too-low")]).toEqual([false, null, []]);
    const nearly = await audited([await entry("a", 0, 3), await entry("b", 0, -2)]);
    expect(found(nearly, "zero-result")).toEqual([]);
  });

  it("name different bases of a set that cannot be merged too", async () => {
    const of = (name: string, base: string, at: string): Promise<Adapter> =>
      openPico(name, {
        modules: { [at]: { A: [[1, 0, 0]], B: [[1], [0], [0]] } },
        config: { base_model_name_or_path: base },
      });
    const audit = await audited([await of("a", "org/one", "h.0.q"), await of("b", "org/two", "layers.0.q")]);
    expect(audit.findings.map(({ level, id }) => [level, id])).toEqual([
      ["problem", "refused"],
      ["problem", "different-base"],
    ]);
  });

  it("recommend a single file for single files of image models, which alone may be written so", async () => {
    const command = async (module: string, paths: string[]) => {
      const adapters = [
        await openPico("a", { modules: { [module]: { A: [[1, 0, 0]], B: [[1], [0], [0]] } } }),
        await openPico("b", { modules: { [module]: { A: [[0, 1, 0]], B: [[0], [1], [0]] } } }),
      ];
      return (await auditSet(tightKernels(), adapters, paths)).recommendation!.command;
    };
    const files = ["x/a.safetensors", "b.safetensors"];
    expect(await command("unet.mid_block.attentions.0.proj_in", files)).toMatch(
      /^lora-lego merge x\/a\.safetensors b\.safetensors .*--out merged\.safetensors$/,
    );
    expect(await command("unet.mid_block.attentions.0.proj_in", ["x/a.safetensors", "b"])).toMatch(/--out merged$/);
    expect(await command("layers.0.q_proj", files)).toMatch(/--out merged$/);
  });

  it("say that the rank of a merge is low for the adapters' sum, and which is not (by hand: 8 of 10, then 9)", async () => {
    const line = (at: number, size: number): number[] => [0, 1, 2, 3].map((x) => (x === at ? size : 0));
    const pair = (name: string, at: number, size: number): Promise<Adapter> => {
      const rows = [line(at, 1), line(at + 1, 1)];
      const columns = [line(at, size), line(at + 1, size)];
      const B = [0, 1, 2, 3].map((x) => columns.map((column) => column[x]!));
      return openPico(name, { modules: { "layers.0.q_proj": { A: rows, B } } });
    };
    const audit = await audited([await pair("a", 0, 1), await pair("b", 2, 2)]);
    expect(audit.findings).toEqual([
      {
        level: "note",
        id: "rank-too-low",
        text: "Rank 2, which a merge takes by itself, can hold 80% of the energy of the adapters' sum; 90% takes rank 3.",
      },
    ]);
    expect(audit.good).toBe(true);
  });

  it.each([
    ["org/base", "other/thing", "problem"],
    ["org/Base", "/models/base", "note"],
  ])("say that %s and %s are named as bases: a %s", async (first, second, level) => {
    const based = (name: string, at: number, base: string) =>
      entry(name, at, 1 + 3 * at, { config: { base_model_name_or_path: base } });
    const audit = await audited([await based("a", 0, first), await based("b", 1, second)]);
    expect(audit.bases).toEqual([first, second]);
    expect(audit.findings).toMatchObject([{ level, id: "different-base" }]);
    expect(audit.good).toBe(level === "note");
  });

  it("give the reason for which a merge is refused, and recommend none that is not for one base", async () => {
    const other: PicoAdapter = { modules: { "layers.0.v_proj": { A: [[1, 0]], B: [[1]] } } };
    const partial = await audited([await entry("a", 0, 1), await openPico("b", other)]);
    expect(partial.recommendation!.command).toMatch(/^lora-lego merge a b --allow-partial --out merged$/);
    const elsewhere = { ...other, config: { base_model_name_or_path: "elsewhere" } };
    const audit = await audited([await entry("a", 0, 1), await openPico("b", elsewhere)]);
    expect(audit.findings[0]).toMatchObject({ level: "problem", id: "refused" });
    expect(audit.findings[0]!.text).toMatch(/^a \(1 module, .*share no module and are for different base models.*\.$/);
    expect([audit.recommendation, audit.good]).toEqual([null, false]);
  });

  it("tell an adapter of zeros from one with some zero modules, whose name they give", async () => {
    const half: PicoAdapter = {
      modules: {
        "layers.0.q_proj": { A: [[1, 0, 0]], B: [[0], [0], [0]] },
        "layers.1.q_proj": { A: [[1, 0, 0]], B: [[1], [0], [0]] },
      },
    };
    const audit = await audited([await openPico("half", half)]);
    expect(audit.findings).toEqual([
      {
        level: "note",
        id: "zero-modules",
        text: "half: 1 of 2 modules change nothing: their deltas are zero.",
      },
    ]);
    expect(audit.good).toBe(true);
  });

  it("come with problems first", async () => {
    const copied = await Promise.all(["a", "b"].map((name) => openPico(name, randomAdapter(1, { modules: WIDE }))));
    const audit = await audited(copied);
    expect(audit.findings.map(({ level, id }) => [level, id])).toEqual([
      ["problem", "same-adapter"],
      ["note", "same-start"],
    ]);
  });
});

const WIDE = { "layers.0.q_proj": { in: 64, out: 5 } };
/** An adapter with the A of another, moved a little, and a B of its own. */
async function continued(name: string, start: PicoAdapter, seed: number, moved: number): Promise<Adapter> {
  const own = randomAdapter(seed, { modules: WIDE, rank: 4 });
  const [first, second] = [start, own].map(({ modules }) => modules["layers.0.q_proj"]!);
  const A = (first!.A as number[][]).map((row, i) =>
    row.map((value, x) => value + moved * (second!.A as number[][])[i]![x]!),
  );
  return openPico(name, { modules: { "layers.0.q_proj": { A, B: second!.B } } });
}

describe("adapters that began with the same A", () => {
  const start = randomAdapter(1, { modules: WIDE, rank: 4 });
  const other = randomAdapter(2, { modules: WIDE, rank: 4 });

  it("are found though each has moved on, and told from others", async () => {
    const audit = await audited([
      await continued("a", start, 3, 0.5),
      await continued("b", other, 4, 0.5),
      await continued("c", start, 5, 0.5),
      await openPico("d", randomAdapter(6, { modules: WIDE, rank: 4 })),
    ]);
    expect(audit.sharedStart).toEqual([[0, 2]]);
    // |A|^2 and the noise's are about 1 and 1/4, so the cosine is about 1 / 1.25.
    expect(audit.starts[0]![2]).toBeGreaterThan(0.6);
    expect(audit.starts[2]![0]).toBe(audit.starts[0]![2]);
    expect(Math.abs(audit.starts[0]![1]!)).toBeLessThan(0.3);
    expect(found(audit, "same-start").map(({ text }) => text)).toEqual([
      "a and c began with the same random A (one training seed): their units are alike by number, which LEGO groups by.",
    ]);
  });

  it("are one group if each shares it with another", async () => {
    const audit = await audited([
      await continued("a", start, 3, 0.5),
      await continued("b", start, 4, 0.5),
      await continued("c", start, 5, 0.5),
    ]);
    expect(audit.sharedStart).toEqual([[0, 1, 2]]);
    expect(found(audit, "same-start")[0]!.text).toMatch(/^All began/);
  });

  it("are not claimed of modules too narrow to tell chance from a start", async () => {
    const narrow = (name: string, B: number[][]): Promise<Adapter> =>
      openPico(name, { modules: { q: { A: [[1, 1]], B } } });
    const audit = await audited([await narrow("a", [[1], [0]]), await narrow("b", [[0], [1]])]);
    expect(audit.starts[0]![1]).toBeCloseTo(1, 6);
    expect(audit.sharedStart).toEqual([]);
  });
});
