import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { inspectOpened } from "../../src/analysis/inspect.ts";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import type { Explorer } from "../../src/browser/explorer.ts";
import { type HandedFolder, handedFolder } from "../../src/browser/handed-files.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { PAPER } from "../../src/methods/lego/options.ts";
import { minibench, SEEN } from "../support/minibench.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { explorer, handed } from "./explorer.ts";

/** The overview of a fresh explorer. */
async function explored(page: Explorer, tasks: readonly string[]): Promise<ModuleOverview[]> {
  const cards = await Promise.all(tasks.map((task) => page.open(handed(minibench(task), task))));
  const seen: ModuleOverview[] = [];
  await page.overview(
    cards.map(({ id }) => id),
    (module) => seen.push(module),
  );
  return seen;
}

describe("the explorer", () => {
  it("looks at each adapter alone where a module has too many units to compare, and refuses to show that module", async () => {
    const folder = tempFolder();
    const modules = { few: { in: 8, out: 8, rank: 2 }, many: { in: 8, out: 8, rank: 820 } };
    const config = { rank_pattern: { many: 820 } };
    const page = explorer();
    const cards = await Promise.all(
      [1, 2, 3, 4, 5].map((seed) => {
        const name = `adapter-${seed}`;
        writeAdapter(join(folder, name), randomAdapter(seed, { modules, config }));
        return page.open(handed(join(folder, name), name));
      }),
    );
    const seen: ModuleOverview[] = [];
    const ids = cards.map(({ id }) => id);
    const { audit } = await page.overview(ids, (module) => seen.push(module));
    const [few, many] = seen;
    expect([few!.name, many!.name]).toEqual(["few", "many"]);
    expect(many).toMatchObject({ signConflicts: null, purity: null });
    expect(new Set(many!.cosines.flat())).toEqual(new Set([null]));
    expect(few!.cosines[0]![1]).not.toBeNull();
    const whole = Math.hypot(...seen.map(({ norms }) => norms[0]!));
    expect(audit.adapters[0]!.norm).toBeCloseTo(whole, 5);
    expect(audit.findings.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^Adapters are not compared in 1 of 2 modules, which has more than 4096 units/),
    );
    await expect(page.openModule(ids, "many", PAPER)).rejects.toThrow(
      "many has 4100 units over all adapters, but at most 4096 can be compared at once",
    );
  });

  it("says what it found by the names that adapters have now, of what was read before", async () => {
    const page = explorer();
    const cards = await Promise.all(
      ["cola", "cola", "sst2"].map((task, t) => page.open(handed(minibench(task), `a${t}`))),
    );
    const ids = cards.map(({ id }) => id);
    const seen: ModuleOverview[] = [];
    const before = await page.overview(ids, (module) => seen.push(module));
    const read = seen.length;
    const sentences = ({ audit: { findings, recommendation } }: typeof before): string =>
      [...findings.map(({ text }) => text), recommendation!.reason].join(" ");
    expect(sentences(before)).toContain("a1 is left out: it is nearly a0");
    await page.rename(ids[0]!, "first");
    await page.rename(ids[1]!, "again");
    const after = await page.audit(ids);
    expect(sentences(after!)).toContain("again is left out: it is nearly first");
    expect(sentences(after!)).not.toMatch(/\ba[01]\b/);
    expect(after!.audit.similarity).toEqual(before.audit.similarity);
    expect(seen).toHaveLength(read);
    expect(await page.audit(ids.slice(1))).toBeNull();
  });

  it("gives the command that converts an adapter for programs that load no files of its format", async () => {
    const page = explorer();
    const { id } = await page.open(handed(minibench("cola"), "cola"));
    const { conversions } = await page.overview([id], () => {});
    expect(conversions).toEqual({
      llamacpp: "lora-lego convert cola --to gguf --base-config BASE/config.json --out cola.gguf",
      mlx: "lora-lego convert cola --to mlx --out cola-2",
    });
  });

  it("shows a module's units in a plane, and any k of its clusters", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const name = (await page.modules(ids))[0]!;
    const plane = await page.openModule(ids, name, PAPER);
    expect(plane.units).toHaveLength(42);
    for (const [i, one] of plane.coordinates.entries()) {
      const { lengthA, lengthB } = plane.units[i]!;
      const other = plane.coordinates[0]!;
      const squared = one.reduce((sum, value, axis) => sum + (value - other[axis]!) ** 2, 0);
      const lengths = [lengthA ** 2 + lengthB ** 2, plane.units[0]!.lengthA ** 2 + plane.units[0]!.lengthB ** 2];
      const exact = lengths[0]! + lengths[1]! - 2 * plane.cosines[i]![0]! * Math.sqrt(lengths[0]! * lengths[1]!);
      expect(squared).toBeLessThanOrEqual(exact + 1e-9);
      expect(squared).toBeGreaterThan(0.9 * exact - 1e-9);
    }
    for (let k = 1; k <= 42; k++) {
      const found = await page.cluster(name, k, PAPER);
      expect(found.clusters).toHaveLength(k);
      expect(found.clusters.flatMap(({ members }) => members).sort((p, q) => p - q)).toEqual([...Array(42).keys()]);
    }
    expect(await page.cluster(name, 6, PAPER)).toEqual(await page.cluster(name, 6, PAPER));
  });

  it("clusters alike whatever was clustered before, in every gauge, sign and metric", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const name = (await page.modules(ids))[0]!;
    const kinds = (["raw", "balanced", "svd"] as const).flatMap((gauge) =>
      (["none", "canonical", "line"] as const).flatMap((sign) =>
        (["euclidean", "cosine", "transport"] as const).map((metric) => ({ ...PAPER, gauge, sign, metric })),
      ),
    );
    await page.openModule(ids, name, PAPER);
    const found = [];
    for (const options of kinds) for (const k of [11, 6]) found.push(await page.cluster(name, k, options));
    for (const options of kinds.toReversed()) {
      await page.openModule(ids, name, options);
      for (const k of [6, 11]) expect(await page.cluster(name, k, options)).toEqual(found.pop());
    }
    expect(found).toEqual([]);
  });

  it("keeps what is asked at once apart: modules, clusterings and overviews that share memory take turns", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const [one, other] = (await page.modules(ids)) as [string, string];
    const alone = await explored(explorer(), SEEN.slice(0, 3));
    const [plane, , late] = await Promise.allSettled([
      page.openModule(ids, one, PAPER),
      page.openModule(ids, other, PAPER),
      page.cluster(one, 6, PAPER),
    ]);
    expect(plane).toMatchObject({ status: "fulfilled", value: { name: one } });
    expect(late).toMatchObject({ status: "rejected" });
    const seen: ModuleOverview[] = [];
    const first = page.overview(ids, () => {}).catch(() => "ended");
    await page.overview(ids.slice(0, 3), (module) => seen.push(module));
    expect(await first).toBe("ended");
    expect(seen).toEqual(alone);
  });

  it("gives the figures of a module that the merge's report gives", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const { report } = await page.merge(chosen, { method: "lego", target: { kind: "rank", rank: 6 } }, () => {});
    const module = report.modules[5]!;
    await page.openModule(ids, module.name, PAPER);
    const found = await page.cluster(module.name, 6, PAPER);
    expect(found.inertia).toBeCloseTo(module.inertia!, 4);
    expect(found.normRatio).toBeCloseTo(module.normRatio!, 4);
    expect(found.energy).toBeCloseTo(module.energy!, 4);
    expect(found.clusters.map(({ members }) => members.length)).toEqual(
      module.clusters!.map(({ members }) => members.length),
    );
  });

  it("clusters for purity at the rank where a module's k begins", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const seen: ModuleOverview[] = [];
    const { audit } = await page.overview(ids, (module) => seen.push(module));
    const rank = audit.recommendation!.lego!.rank;
    expect(rank).toBe(12);
    expect(new Set(seen.map(({ purity }) => purity!.rank))).toEqual(new Set([rank]));
    const module = seen[5]!;
    await page.openModule(ids, module.name, PAPER);
    const { purity } = await page.cluster(module.name, rank, PAPER);
    expect(purity.purity).toBe(module.purity!.purity);
  });

  it("clusters again for purity what was read before all adapters were known", async () => {
    const folder = tempFolder();
    const sizes = { in: 24, out: 24 };
    const [early, late, last] = ["layers.0", "layers.1", "layers.2"].map((layer) => `${layer}.q_proj`) as [
      ...[string, string, string],
    ];
    const adapterOf = (seed: number, rank: number, names: readonly string[]): HandedFolder => {
      const modules = Object.fromEntries(names.map((name) => [name, sizes]));
      const path = writeAdapter(join(folder, `adapter-${seed}`), randomAdapter(seed, { rank, modules }));
      return handed(path, basename(path));
    };
    const page = explorer();
    const ids: number[] = [];
    for (const own of [
      adapterOf(1, 2, [early, late, last]),
      adapterOf(2, 2, [early, late, last]),
      adapterOf(3, 8, [late, last]),
    ])
      ids.push((await page.open(own)).id);
    const seen: ModuleOverview[] = [];
    const { audit } = await page.overview(ids, (module) => seen.push(module));
    const rank = audit.recommendation!.lego!.rank;
    // Two adapters of four units together are all that the first module tells of.
    expect(seen[0]).toMatchObject({ name: early, purity: { rank: 2 } });
    const shown = new Map(seen.map((module) => [module.name, module]));
    for (const [name, { purity }] of shown) {
      await page.openModule(ids, name, PAPER);
      const k = Math.min(rank, name === early ? 4 : 12);
      expect(purity!.rank).toBe(k);
      expect(purity!.purity).toBe((await page.cluster(name, k, PAPER)).purity.purity);
    }
    expect(rank).toBeGreaterThan(2);
    // What was clustered at that rank already is not told of twice.
    expect(new Set(seen.map(({ name, purity }) => `${name} ${purity!.rank}`)).size).toBe(seen.length);
    expect(shown.get(early)).toEqual({ ...seen[0], purity: shown.get(early)!.purity });
  });

  it("looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share", async () => {
    const page = explorer();
    const twins = [minibench("cola"), minibench("cola"), minibench("sst2")];
    const cards = await Promise.all(twins.map((path, t) => page.open(handed(path, `adapter ${t}`))));
    const told = new Map<string, ModuleOverview>();
    await page.overview(
      cards.map(({ id }) => id),
      (module) => told.set(module.name, module),
    );
    const seen = [...told.values()];
    expect(seen).toHaveLength(28);
    const [cola, , sst2] = await Promise.all(
      twins.map(async (path) => inspectOpened(wasmKernels(), await openAdapter(handedFolder(handed(path, path))))),
    );
    for (const [m, { name, norms, effectiveRanks, cosines, purity, signConflicts }] of seen.entries()) {
      for (const [t, { modules }] of [cola!, cola!, sst2!].entries()) {
        expect(modules[m]!.name).toBe(name);
        expect(norms[t]).toBeCloseTo(modules[m]!.norm, 5);
        expect(effectiveRanks[t]).toBeCloseTo(modules[m]!.effectiveRank, 5);
      }
      expect(cosines[0]![1]).toBeCloseTo(1, 9);
      expect(Math.abs(cosines[0]![2]!)).toBeLessThan(0.9);
      expect(purity!.purity).toBeLessThanOrEqual(1);
      expect(purity!.purity).toBeGreaterThan(0);
      // Of three pairs one agrees everywhere.
      expect(signConflicts).toBeLessThan(0.5);
    }
  });
});
