import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import { figure } from "../../src/core/shown.ts";
import { accuracyOf } from "../state/bench.ts";
import { type MadeMerge, shownMerge } from "../state/merge.ts";
import { mostShare } from "./bars.tsx";
import { Held } from "./held.tsx";

/** Results side by side, in one scale: how much of each adapter is in each. */
export function Multiples({ merges, shown }: { merges: readonly MadeMerge[]; shown: number }) {
  const most = mostShare(merges.map(({ report }) => report.totals));
  return (
    <section class="multiples" aria-label="Results side by side">
      {merges.map((made) => {
        const { number, title, report } = made;
        const own = accuracyOf(report);
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
            <Held made={made} most={most} />
            <dl class="figures">
              <div>
                <dt>energy</dt>
                <dd>{figure(report.totals.energy)}</dd>
              </div>
              {own !== null && (
                <div title="Mean accuracy in your benchmark">
                  <dt>bench</dt>
                  <dd>{(100 * own).toFixed(1)} %</dd>
                </div>
              )}
              {measured !== undefined && own === null && (
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
