import { nextMerges } from "../../src/report/next-merges.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { openAdapters } from "../state/adapters.ts";
import { type MadeMerge, progress, startMerge } from "../state/merge.ts";
import { applyFix } from "../state/suggested.ts";

/** What else to try, as buttons that do it, and how to load the result; what the command line's merge ends with. */
export function Advice({ made: { report, loading } }: { made: MadeMerge }) {
  const next = nextMerges(report);
  const closed = openAdapters.value.length === 0;
  return (
    <div class="tile advice">
      {report.chosen !== null && <p class="facts">{report.chosen}</p>}
      {next.length > 0 && <h4>Try next</h4>}
      {next.map((fix) => (
        <p key={fix.why}>
          {fix.why}{" "}
          <button
            type="button"
            disabled={closed || progress.value !== null}
            onClick={() => {
              applyFix(fix);
              void startMerge();
            }}
          >
            {wordsOf(fix, report.inputs)}
          </button>
        </p>
      ))}
      {next.length > 0 && closed && <p class="hint">Open the adapters again to merge them.</p>}
      {loading.length > 0 && (
        <details open={next.length === 0}>
          <summary>Load it</summary>
          <dl class="loading-lines">
            {loading.map(({ title, line }) => (
              <div key={title}>
                <dt>{title}</dt>
                <dd>
                  <code>{line}</code>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}

/** What a button that merges again changes. */
function wordsOf(
  { why: _, options = {}, leaves, ...fields }: ReturnType<typeof nextMerges>[number],
  inputs: MergeReport["inputs"],
): string {
  if (leaves !== undefined) return `Merge without ${leaves.map((t) => inputs[t]!.name).join(", ")}`;
  const words = Object.entries({ ...fields, ...options }).map(([name, value]) => `${name} ${value}`);
  return `Merge with ${words.join(", ")}`;
}
