import { useEffect, useRef } from "preact/hooks";
import type { Estimate } from "../../src/browser/explorer.ts";
import { listed } from "../../src/core/listed.ts";
import { bytes } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { BEST, bestRecipes } from "../state/best-recipes.ts";
import { estimate, refusal, wanted } from "../state/merge.ts";
import { cancelMerge, KEPT, makingRoom, mergeByBest, progress, startMerge } from "../state/merging.ts";
import { Said } from "./said.tsx";

/** Whether a larger rank was asked for. */
function isMost(rank: number): boolean {
  const { target } = wanted.value;
  return target?.kind === "rank" && typeof target.rank === "number" && target.rank > rank;
}

/** What a merge writes, as far as headers tell. */
function written({ modules, rank, most, dtype, bytes: size }: Exclude<Estimate, { readonly refused: string }>): string {
  const least = isMost(rank) ? " (no larger one is possible)" : "";
  return `Writes ${modules} modules of rank ${rank}${most ? " or less" : least} in ${dtype}, ${most ? "at most " : ""}${bytes(size)}.`;
}

/** What a merge would write, and the buttons that begin and cancel it; stays in view. */
export function MergeStart() {
  const found = estimate.value;
  const refused = refusal.value;
  const running = progress.value;
  const [start, cancel] = [useRef<HTMLButtonElement>(null), useRef<HTMLButtonElement>(null)];
  const busy = running !== null;
  const wasBusy = useRef(busy);
  // While a merge runs, the focus is on the Cancel button; a merge that was cancelled gives it back to the Merge button.
  useEffect(() => {
    if (busy && !wasBusy.current) cancel.current!.focus();
    if (!busy && wasBusy.current && document.activeElement === document.body) start.current!.focus();
    wasBusy.current = busy;
  }, [busy]);
  const idle = !busy && found !== null && refused === null;
  return (
    <div class="start">
      {openAdapters.value.length > 0 && (
        <p class={refused === null ? "estimate" : "error"} aria-live="polite">
          <Said text={refused ?? (found !== null && "bytes" in found ? written(found) : "Planning…")} />
        </p>
      )}
      <div class="row">
        <button type="button" class="primary" ref={start} disabled={!idle} onClick={() => void startMerge()}>
          Merge
        </button>
        {running === null ? (
          <button
            type="button"
            disabled={!idle || openAdapters.value.length < 2}
            title={`Best in what was measured on the example set: ${bestRecipes()
              .slice(0, BEST)
              .map(({ method }) => method)
              .join(", ")}`}
            onClick={() => void mergeByBest(bestRecipes(), BEST)}
          >
            Merge by the five best
          </button>
        ) : (
          <>
            <progress value={running.done} max={running.total} aria-label="Modules merged" />
            <span>
              {running.of}
              {running.done} of {running.total}
            </span>
            <button type="button" ref={cancel} onClick={cancelMerge}>
              Cancel
            </button>
          </>
        )}
      </div>
      {idle && <Room several={openAdapters.value.length > 1} />}
    </div>
  );
}

/** Which results may have to go for the next ones: one that is there already makes none go. */
function Room({ several }: { several: boolean }) {
  const [one, best] = [makingRoom(1), several ? makingRoom(BEST) : []];
  if (one.length + best.length === 0) return null;
  return (
    <p class="hint">
      At most {KEPT} results are kept: {one.length > 0 && `another one takes the place of number ${one[0]!.number}`}
      {one.length > 0 && best.length > 1 && ", "}
      {best.length > one.length &&
        `the five best may take the place of ${best.length === 1 ? "number" : "numbers"} ${listed(
          best.map(({ number }) => String(number)).reverse(),
        )}`}
      .
    </p>
  );
}
