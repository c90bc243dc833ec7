import { expose, transfer } from "comlink";
import { Explorer, type ExplorerMerge } from "../src/browser/explorer.ts";
import { pageLane } from "../src/browser/page-lanes.ts";
import { seededRandom } from "../src/core/random.ts";

/** More lanes than this gain little, because reading the files limits the speed. */
const MOST_LANES = 4;
const lanes = Math.min(MOST_LANES, navigator.hardwareConcurrency);
const newLane = () => pageLane(new Worker(new URL("./merge.worker.ts", import.meta.url), { type: "module" }));

/** The explorer for the page, with a UMAP layout on request. */
class PageExplorer extends Explorer {
  /** The files' bytes are transferred, not copied. */
  override async merge(...of: Parameters<Explorer["merge"]>): Promise<ExplorerMerge> {
    const made = await super.merge(...of);
    return transfer(
      made,
      Object.values(made.files).map(({ buffer }) => buffer as ArrayBuffer),
    );
  }

  /** Positions of the open module's units by UMAP, from their principal coordinates. Seeded: the same units give the same layout. */
  async umap(coordinates: readonly (readonly number[])[]): Promise<[number, number][]> {
    const { UMAP } = await import("umap-js");
    const random = seededRandom(0);
    const nNeighbors = Math.max(2, Math.min(15, coordinates.length - 1));
    const layout = new UMAP({ nComponents: 2, nNeighbors, minDist: 0.15, random: () => random.uniform() });
    return layout.fit(coordinates.map((own) => [...own])) as [number, number][];
  }
}

export type { PageExplorer };

expose(new PageExplorer(newLane, lanes));
