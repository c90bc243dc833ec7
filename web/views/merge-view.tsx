import { openAdapters } from "../state/adapters.ts";
import { bench } from "../state/bench.ts";
import { merges, shownMerge } from "../state/merge.ts";
import { CANCELLED, losingMethods, mergeError, progress, sideBySide } from "../state/merging.ts";
import { BenchTable } from "./bench-table.tsx";
import { MergeForm } from "./merge-form.tsx";
import { MergeResult } from "./merge-result.tsx";
import { MergeStart } from "./merge-start.tsx";
import { Multiples } from "./multiples.tsx";
import { Said } from "./said.tsx";

/** Choose a method and merge at the left; results, what they keep and what to do next at the right. */
export function MergeTab() {
  const count = openAdapters.value.length;
  const made = merges.value;
  if (count === 0 && made.length === 0 && bench.value === null && progress.value === null) {
    return <p class="empty">Open adapters first; then merge them here.</p>;
  }
  const shown = made.find(({ number }) => number === shownMerge.value) ?? made[0];
  return (
    <div class="merge">
      <section class="merge-form" aria-labelledby="merge-title">
        <h2 id="merge-title">{count === 0 ? "Merge" : `Merge ${count === 1 ? "one adapter" : `${count} adapters`}`}</h2>
        {count > 0 ? <MergeForm /> : <p class="hint">Open adapters to merge them here.</p>}
        {(count > 0 || progress.value !== null) && <MergeStart />}
        {mergeError.value !== null && (
          <p class={mergeError.value === CANCELLED ? "note" : "error"} role="alert">
            <Said text={mergeError.value} />
          </p>
        )}
        {losingMethods.value.length > 0 && (
          <p class="note" role="status">
            Not among the best here: {losingMethods.value.join(", ")}, whose result loses every adapter.
          </p>
        )}
      </section>
      <section class="results" aria-label="Results">
        <BenchTable />
        {shown === undefined ? (
          <p class="empty">Results appear here, side by side.</p>
        ) : (
          <>
            {sideBySide.value && <Multiples merges={made} shown={shown.number} />}
            <MergeResult key={shown.number} made={shown} />
          </>
        )}
      </section>
    </div>
  );
}
