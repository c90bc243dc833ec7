import { figure } from "../../src/core/shown.ts";
import { accuracyOf } from "../state/bench.ts";
import { keptOfEach, losesAll } from "../state/kept-of-each.ts";
import { measuredAccuracy } from "../state/measured.ts";
import { type MadeMerge, shownMerge } from "../state/merge.ts";
import { droppedMerges, KEPT } from "../state/merging.ts";
import { isOfAuto } from "../state/of-auto.ts";
import { mostShare } from "./bars.tsx";
import { Held } from "./held.tsx";

/** Results side by side, in one scale: how much of each adapter is in each. */
export function Multiples({ merges, shown }: { merges: readonly MadeMerge[]; shown: number }) {
  const most = mostShare(merges.map(({ report }) => report));
  const accuracies = merges.map(({ report }) => measuredAccuracy(report));
  const someMeasured = accuracies.some((accuracy) => accuracy !== null);
  return (
    <section aria-label="Results side by side">
      <div class="multiples">
        {merges.map((made, i) => {
          const { number, title, report } = made;
          const own = accuracyOf(report);
          const measured = accuracies[i]!;
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
                  {isOfAuto(report) && <small> (auto)</small>}
                </button>
              </figcaption>
              <Lost report={report} />
              <Held made={made} most={most} />
              <dl class="figures">
                <div>
                  <dt>energy</dt>
                  <dd>{figure(report.totals.energy)}</dd>
                </div>
                {own !== null && (
                  <div title="Mean accuracy in your benchmark">
                    <dt>bench</dt>
                    <dd>{(100 * own).toFixed(1)}%</dd>
                  </div>
                )}
                {own === null && someMeasured && (
                  <div
                    title={
                      measured === null
                        ? "No accuracy was measured for a merge like this"
                        : "Mean accuracy on the tasks, measured for this merge of the example set (docs/evidence.md)"
                    }
                  >
                    <dt>accuracy</dt>
                    <dd>{measured === null ? "not measured" : `${measured.toFixed(1)}%`}</dd>
                  </div>
                )}
              </dl>
            </figure>
          );
        })}
      </div>
      <p class="hint">
        Bars say how much of each adapter's delta is held, and not how well a task is kept.{" "}
        {someMeasured && "Accuracies were measured for the very merge of the example set, as a mean over its tasks. "}
        {droppedMerges.value.length > 0 && `${KEPT} results are kept; gone: ${droppedMerges.value.join("; ")}.`}
      </p>
    </section>
  );
}

/** Who is lost in a result, as its first sentence says at length. */
function Lost({ report }: Pick<MadeMerge, "report">) {
  const lost = keptOfEach(report).filter((own) => own === "lost").length;
  if (lost === 0) return null;
  const acting = report.inputs.filter(({ weight }) => weight !== 0).length;
  return <p class="loss error">{losesAll(report) ? "Every adapter is lost" : `${lost} of ${acting} lost`}</p>;
}
