import type { Fix } from "../../src/plan/warning.ts";
import { RECIPE_FIELDS } from "../../src/recipe/recipe-fields.ts";
import { isOther, nextMerges } from "../../src/report/next-merges.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { openAdapters } from "../state/adapters.ts";
import { applyFix, commandOf, openInputs } from "../state/advised.ts";
import { asksForFactor, resizeFix, scaleFix } from "../state/checked.ts";
import { type MadeMerge, recommendedRank, shownMerge } from "../state/merge.ts";
import { progress, startMerge } from "../state/merging.ts";
import { standing } from "../state/standing.ts";
import { Said } from "./said.tsx";

/** What else to try, as buttons that do it, and how to load the result; what the command line's merge ends with. */
export function Advice({ made }: { made: MadeMerge }) {
  const { report, loading } = made;
  // What hardly trained is better left out than brought to the size of the others.
  const next = nextMerges(report)
    .map((fix) => (isOther(fix) && asksForFactor(made) ? { ...fix, scale: "auto" as const } : fix))
    .sort((one, other) => Number(other.leaves !== undefined) - Number(one.leaves !== undefined));
  const inputs = openInputs(made);
  const scaled = scaleFix(made);
  const smaller = resizeFix(made);
  if (scaled !== null && next.every(({ scale }) => scale !== scaled.scale)) next.push(scaled);
  return (
    <div class="tile advice">
      {report.chosen !== null && (
        <p class="facts">
          <Said text={report.chosen} />
        </p>
      )}
      {loading.lines.length > 0 && (
        <details open={next.length === 0}>
          <summary>Load it</summary>
          <dl class="loading-lines">
            {loading.lines.map(({ title, line }) => (
              <div key={title}>
                <dt>{title}</dt>
                <dd>
                  <code>{line}</code>
                </dd>
              </div>
            ))}
          </dl>
          {loading.base !== null && <p class="hint">{loading.base}</p>}
          {loading.undecided.length > 0 && (
            <p class="hint">
              Whether {loading.undecided.join(", ")} {loading.undecided.length === 1 ? "takes" : "take"} LoRA for an
              encoder, the base model's config tells.
            </p>
          )}
          <p class="hint">
            For another program, choose it under “{RECIPE_FIELDS.for.label}” and merge again; where it cannot be chosen,{" "}
            <code>lora-lego check {loading.single ?? made.name}</code> says whether anything helps.
          </p>
        </details>
      )}
      {(next.length > 0 || smaller !== null) && <h4>Try next</h4>}
      {next.map((fix) => (
        <Next key={fix.why} fix={fix} made={made} inputs={inputs} />
      ))}
      {smaller !== null && (
        <p>
          {smaller.why} The command line does it: <code>{commandOf(smaller, made)}</code>
        </p>
      )}
      {next.length > 0 && inputs === null && (
        <p class="hint">
          {openAdapters.value.length === 0
            ? "Open the adapters again to merge them."
            : `The adapters that are open are not those of this result: ${report.inputs.map(({ name }) => name).join(", ")}.`}
        </p>
      )}
      {loading.against !== null && (
        <p class="note">
          <Said text={loading.against} />
        </p>
      )}
    </div>
  );
}

/** Why to merge otherwise, and a button that does it, or shows the result that it would have. */
function Next({ fix, made, inputs }: { fix: Fix; made: MadeMerge; inputs: ReturnType<typeof openInputs> }) {
  const there = standing(fix, made);
  return (
    <p>
      <Said text={fix.why} />{" "}
      {fix.sizes !== undefined ? (
        <>
          The command line does it: <code>{commandOf(fix, made)}</code>
        </>
      ) : there === null ? (
        <button
          type="button"
          disabled={inputs === null || progress.value !== null}
          onClick={() => {
            applyFix(fix, made, inputs!);
            void startMerge();
          }}
        >
          {wordsOf(fix, made.report.inputs)}
        </button>
      ) : (
        <button
          type="button"
          onClick={() => {
            shownMerge.value = there.number;
          }}
        >
          See {there.number}. {there.title}
        </button>
      )}
    </p>
  );
}

/** What a button that merges again changes. */
function wordsOf({ why: _, options = {}, leaves, ...fields }: Fix, inputs: MergeReport["inputs"]): string {
  if (leaves !== undefined) return `Merge without ${leaves.map((t) => inputs[t]!.name).join(", ")}`;
  const rank = fields.method === undefined ? undefined : (fields.rank ?? recommendedRank(fields.method));
  const words = Object.entries({ ...fields, ...(rank != null && { rank }), ...options }).map(
    ([name, value]) => `${name === "scale" ? "factor" : name} ${value}`,
  );
  return `Merge with ${words.join(", ")}`;
}
