import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import { figure } from "../../src/core/shown.ts";
import { type MadeMerge, shownMerge } from "../state/merge.ts";
import { ShareBars } from "./share-bars.tsx";

/** The largest share that a scale for several results must reach. */
export function mostShare(merges: readonly MadeMerge[]): number {
  return Math.max(1, ...merges.flatMap(({ report }) => report.totals.shares.map((share) => share ?? 0)));
}

/** Results side by side, in one scale: how much of each adapter is in each. */
export function Multiples({ merges, shown }: { merges: readonly MadeMerge[]; shown: number }) {
  const most = mostShare(merges);
  return (
    <section class="multiples" aria-label="Results side by side">
      {merges.map((made) => {
        const { number, title, report } = made;
        const measured = MEASURED_METHODS[String(report.options.method)];
        return (
          <figure class="tile" key={number}>
            <figcaption>
              <button
                type="button"
                aria-pressed={number === shown}
                onClick={() => {
                  shownMerge.value = number;
                }}
              >
                {number}. {title}
              </button>
            </figcaption>
            <ShareBars made={made} most={most} />
            <dl class="figures">
              <div>
                <dt>energy</dt>
                <dd>{figure(report.totals.energy)}</dd>
              </div>
              {measured !== undefined && (
                <div title="Accuracy on minibench's Llama: seven adapters of one seed at rank 6, the factor computed or searched">
                  <dt>measured</dt>
                  <dd>{measured.withFactor} %</dd>
                </div>
              )}
            </dl>
          </figure>
        );
      })}
    </section>
  );
}
