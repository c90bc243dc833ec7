import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Clustering, ModulePlane } from "../../src/analysis/module-view.ts";
import { PAPER } from "../../src/methods/lego/options.ts";
import type { Asked } from "./fake-worker.ts";
import { cardOf, freshPage, openAll, type Page } from "./page.ts";

let page: Page;
beforeEach(async () => {
  page = await freshPage();
  await openAll(page, "one", "two");
});

/** A module of two adapters: `one` units of the first, two of the second. */
function planeOf(name: string, one = 3): ModulePlane {
  const ids = [...Array.from({ length: one }, (_, i) => [0, i] as const), [1, 0] as const, [1, 1] as const];
  return {
    name,
    in: 1,
    out: 1,
    units: ids.map((id) => ({ id: [...id], lengthA: 1, lengthB: 1 })),
    coordinates: ids.map((_, i) => [i]),
    explained: [1],
    cosines: [],
    spectra: [],
  };
}

const clusteringAt = (k: number) => ({ k, clusters: [] }) as unknown as Clustering;
const at = ({ args }: Asked) => args[1];
/** Answer a clustering as its k wants it. */
const cluster = (asked: Asked): void => asked.answer(clusteringAt(asked.args[1] as number));

/** Choose a module and let the worker open it. */
async function open(name: string, plane = planeOf(name)): Promise<void> {
  page.moduleName.value = name;
  (await page.worker.next("openModule")).answer(plane);
  await page.settled();
}

/** Choose a module that is opened and clustered, its curve under way. @returns the curve's first question */
async function openClustered(name: string, plane = planeOf(name)): Promise<Asked> {
  await open(name, plane);
  cluster(await page.worker.next("cluster"));
  return page.worker.next("cluster");
}

describe("a module", () => {
  it("is opened of all adapters, clustered at the largest rank, and then at every k", async () => {
    page.moduleName.value = "up";
    const asked = await page.worker.next("openModule");
    expect(asked.args).toEqual([[1, 2], "up", PAPER]);
    expect(page.plane.value).toBeNull();
    asked.answer(planeOf("up"));
    const first = await page.worker.next("cluster");
    expect(first.args).toEqual(["up", 3, PAPER]);
    cluster(first);
    await page.settled();
    expect(page.clustering.value?.k).toBe(3);
    for (let k = 1; k <= 5; k++) {
      expect(page.curve.value).toEqual([]);
      const next = await page.worker.next("cluster");
      expect(at(next)).toBe(k);
      cluster(next);
    }
    await page.settled();
    expect(page.curve.value.map(({ k }) => k)).toEqual([1, 2, 3, 4, 5]);
    expect(page.clustering.value?.k).toBe(3);
    expect(page.worker.waiting).not.toContain("cluster");
  });

  it("is kept where it is asked for before its adapters are open, as by a link", async () => {
    for (const { key } of page.adapters.value) page.remove(key);
    page.moduleName.value = "up";
    await openAll(page, "one");
    expect((await page.worker.next("openModule")).args).toEqual([[1], "up", PAPER]);
    expect(page.moduleName.value).toBe("up");
  });

  it("is the one that the first view draws, however soon the rest is asked for", async () => {
    for (const { key } of page.adapters.value) page.remove(key);
    const list = [{ name: "cola", folders: [], files: [] }];
    vi.stubGlobal("fetch", async () => Object.defineProperty(Response.json(list), "url", { value: "http://h/l.json" }));
    const { exploreExample } = await import("../../web/state/begin.ts");
    const { intro } = await import("../../web/state/intro.ts");
    intro.value = true;
    exploreExample();
    (await page.worker.next("open")).answer(cardOf(1));
    expect((await page.worker.next("openModule")).args[1]).toBe("model.layers.3.mlp.up_proj");
  });

  it("drops an older module that is read later, its error, and its clusters", async () => {
    page.moduleName.value = "first";
    const first = await page.worker.next("openModule");
    page.moduleName.value = "second";
    const second = await page.worker.next("openModule");
    page.moduleName.value = "third";
    const third = await page.worker.next("openModule");
    third.answer(planeOf("third"));
    first.answer(planeOf("first"));
    second.refuse(new Error("second cannot be read."));
    await page.settled();
    expect(page.plane.value?.name).toBe("third");
    expect(page.moduleError.value).toBeNull();
    const old = await page.worker.next("cluster");
    expect(old.args[0]).toBe("third");
    await open("fourth");
    cluster(old);
    const own = await page.worker.next("cluster");
    expect(page.clustering.value).toBeNull();
    expect(own.args[0]).toBe("fourth");
    cluster(own);
    await page.settled();
    expect(page.clustering.value?.k).toBe(3);
  });

  it("says what went wrong with the newest, until another is chosen", async () => {
    page.moduleName.value = "up";
    (await page.worker.next("openModule")).refuse(new Error("up cannot be read."));
    await page.settled();
    expect(page.moduleError.value).toBe("up cannot be read.");
    await open("down");
    expect(page.moduleError.value).toBeNull();
    (await page.worker.next("cluster")).refuse(new Error("down has no clusters."));
    await page.settled();
    expect(page.moduleError.value).toBe("down has no clusters.");
  });

  it("is read anew with other options and other adapters, and forgotten where none is open", async () => {
    await openClustered("up");
    page.marked.value = new Set([1]);
    page.options.value = { ...PAPER, gauge: "svd" };
    expect([page.plane.value, page.clustering.value, page.marked.value.size]).toEqual([null, null, 0]);
    expect((await page.worker.next("openModule")).args).toEqual([[1, 2], "up", { ...PAPER, gauge: "svd" }]);
    page.remove(page.adapters.value[0]!.key);
    const last = await page.worker.next("openModule");
    expect(last.args[0]).toEqual([2]);
    page.remove(page.adapters.value[0]!.key);
    expect(page.moduleName.value).toBeNull();
    last.answer(planeOf("up"));
    await page.settled();
    expect(page.plane.value).toBeNull();
  });
});

describe("the slider", () => {
  it("has the k that was asked for, as far as a module has units", async () => {
    page.wantedK.value = 4;
    await open("up");
    expect(page.k.value).toBe(4);
    await open("small", planeOf("small", 1));
    expect(page.k.value).toBe(3);
    expect(page.wantedK.value).toBe(4);
  });

  it("has the latest k clustered only, once the clustering that runs is done", async () => {
    await open("up");
    const running = await page.worker.next("cluster");
    for (const k of [4, 1, 2]) page.wantedK.value = k;
    await page.settled();
    expect(page.worker.waiting).not.toContain("cluster");
    cluster(running);
    const next = await page.worker.next("cluster");
    expect(at(next)).toBe(2);
    cluster(next);
    await page.settled();
    expect(page.clustering.value?.k).toBe(2);
  });

  it("goes before the curve, which goes on after it", async () => {
    const curve = await openClustered("up");
    page.wantedK.value = 5;
    const slid = await page.worker.next("cluster");
    expect(at(slid)).toBe(5);
    cluster(curve);
    await page.settled();
    expect(page.worker.waiting).not.toContain("cluster");
    cluster(slid);
    expect(at(await page.worker.next("cluster"))).toBe(2);
    expect(page.clustering.value?.k).toBe(5);
  });
});

describe("the curve", () => {
  it("has 64 points at most, and is drawn as it grows", async () => {
    let asked = await openClustered("up", planeOf("up", 128));
    const seen = [at(asked)];
    for (let point = 1; point < 44; point++) {
      cluster(asked);
      asked = await page.worker.next("cluster");
      seen.push(at(asked));
      expect(page.curve.value.length % 8).toBe(0);
    }
    expect(seen.slice(0, 3)).toEqual([1, 4, 7]);
    expect(page.curve.value).toHaveLength(40);
    cluster(asked);
    await page.settled();
    expect(page.curve.value.at(-1)?.k).toBe(130);
    expect(page.worker.waiting).not.toContain("cluster");
  });

  it.each([1, 2])("ends at point %s where another module is chosen, and is not drawn", async (points) => {
    let curve = await openClustered("up", planeOf("up", 0));
    for (let point = 1; point < points; point++) {
      cluster(curve);
      curve = await page.worker.next("cluster");
    }
    page.moduleName.value = "down";
    cluster(curve);
    await page.settled();
    expect(page.worker.waiting).not.toContain("cluster");
    expect(page.curve.value).toEqual([]);
  });

  it("of an older module leaves the clustering of a newer one alone", async () => {
    const curve = await openClustered("up");
    await open("down", planeOf("down", 0));
    cluster(curve);
    const own = await page.worker.next("cluster");
    expect(own.args.slice(0, 2)).toEqual(["down", 2]);
    await page.settled();
    expect(page.worker.waiting).not.toContain("cluster");
    expect(page.curve.value).toEqual([]);
  });
});

describe("the layout", () => {
  it("is computed from the coordinates, and shown", async () => {
    await open("up");
    void page.computeLayout();
    expect(page.layoutBusy.value).toBe(true);
    const asked = await page.worker.next("umap");
    expect(asked.args).toEqual([planeOf("up").coordinates]);
    asked.answer([[1, 2]]);
    await page.settled();
    expect(page.layout.value).toEqual([[1, 2]]);
    expect(page.layoutBusy.value).toBe(false);
  });

  it("of an older module is dropped, and neither keeps a newer one waiting nor ends its wait", async () => {
    await open("up");
    void page.computeLayout();
    const old = await page.worker.next("umap");
    await open("down");
    expect(page.layoutBusy.value).toBe(false);
    void page.computeLayout();
    const own = await page.worker.next("umap");
    old.answer([[1, 2]]);
    await page.settled();
    expect(page.layout.value).toBeNull();
    expect(page.layoutBusy.value).toBe(true);
    own.refuse(new Error("down has no layout."));
    await page.settled();
    expect(page.moduleError.value).toBe("down has no layout.");
    expect(page.layoutBusy.value).toBe(false);
  });
});
