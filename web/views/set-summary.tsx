import type { Audit } from "../../src/analysis/audit/audit-set.ts";
import type { Recommendation } from "../../src/analysis/audit/recommend.ts";
import { listed } from "../../src/core/listed.ts";
import { percent } from "../../src/core/shown.ts";
import { AUTO } from "../../src/methods/auto.ts";
import { openAdapters } from "../state/adapters.ts";
import { withoutBase } from "../state/base-config.ts";
import { audited } from "../state/overview.ts";
import { mergeAsRecommended } from "../state/suggested.ts";
import { Bars } from "./bars.tsx";
import { severalBases } from "./bases-warning.tsx";
import { ChartMenu } from "./chart-menu.tsx";
import { OpenButton } from "./open-dialog.tsx";
import { Said } from "./said.tsx";
import { nameOf, Similarity } from "./similarity.tsx";

/** What `lora-lego audit` says of the open adapters: how alike they are, who is lost, what speaks against merging, what to do. */
export function SetSummary() {
  const found = audited.value;
  const count = openAdapters.value.length;
  return (
    <div class={`summary${count === 1 ? " alone" : ""}`} style={{ "--adapters": count }}>
      {found === null ? (
        <p class="loading tile">Comparing the adapters…</p>
      ) : (
        <>
          {found.audit.adapters.length > 1 && (
            <>
              <Similarity audit={found.audit} />
              <Shares audit={found.audit} lost={found.lost} />
            </>
          )}
          <Findings audit={found.audit} />
        </>
      )}
    </div>
  );
}

/** Who is lost in the plain sum, in a sentence. */
function lossOf({ adapters }: Audit, lost: readonly number[]): string {
  const idle = adapters.flatMap(({ norm }, t) => (norm === 0 ? nameOf(t) : []));
  if (adapters.every(({ share }) => share === null)) return "Whether an adapter is lost is not known.";
  return [
    ...(lost.length > 0 ? [`Practically lost: ${lost.map(nameOf).join(", ")}.`] : []),
    ...(idle.length > 0 ? [`Changes nothing: ${idle.join(", ")}.`] : []),
    ...(lost.length + idle.length === 0 ? ["No adapter is lost."] : []),
  ].join(" ");
}

/** Each adapter's part of the plain sum of all. */
function Shares({ audit, lost }: { audit: Audit; lost: readonly number[] }) {
  const { adapters, findings } = audit;
  const shares = adapters.map(({ share }) => share ?? 0);
  const even = 1 / adapters.length;
  return (
    <figure class="tile">
      <figcaption class="row between">
        <span>
          <b>Who is lost</b> in the plain sum: each adapter's part of it
        </span>
        <ChartMenu title="Parts of the sum" />
      </figcaption>
      {findings.every(({ id }) => id !== "refused") || adapters.every(({ norm }) => norm === 0) ? (
        <>
          <p class={lost.length === 0 ? "loss" : "loss error"}>{lossOf(audit, lost)}</p>
          <Bars
            title="Parts of the sum"
            rows={adapters.map(({ share }, t) => ({ name: nameOf(t), value: share }))}
            most={Math.max(...shares, even)}
            line={even}
          />
          <p class="hint">All parts together are 100%. The line is an even part, {percent(even)}.</p>
        </>
      ) : (
        <p class="loss">They have no common sum, in which one could be lost.</p>
      )}
    </figure>
  );
}

/** Which programs load the adapters as they are, and why the others do not. */
function Programs({ consumers }: { consumers: Audit["consumers"] }) {
  const conversions = audited.value?.conversions ?? {};
  const loading = consumers.flatMap(({ title, problems, undecided }) =>
    problems.length > 0 ? [] : undecided === null ? title : `perhaps ${title}`,
  );
  const against = consumers.flatMap(({ for: id, title, problems: [first] }) => {
    if (first === undefined) return [];
    const { [id]: command = null } = conversions;
    // The command says what to do instead.
    return [{ title, command, text: `${first.adapter}: ${command === null ? first.text : first.text.split(";")[0]}` }];
  });
  return (
    <details>
      <summary>Loading them as they are: {loading.length === 0 ? "no program" : loading.join(", ")}</summary>
      {against.length > 0 && (
        <p class="hint">What keeps the others from it, told of the first adapter that it holds for:</p>
      )}
      {against.map(({ title, text, command }) => (
        <p class="hint" key={title}>
          <b>{title}</b>: <Said text={text} />
          {command !== null && (
            <>
              ; in the terminal <code>{command}</code>
            </>
          )}
        </p>
      ))}
    </details>
  );
}

function Findings({ audit: { adapters, consumers, findings, recommendation } }: { audit: Audit }) {
  return (
    <section class="tile findings" aria-label="Recommendation">
      {adapters.length === 1 && (
        <p>Open a second adapter to see how alike they are, who is lost, and how to merge them.</p>
      )}
      {recommendation !== null && adapters.length > 1 && <Recommended recommendation={recommendation} />}
      <Programs consumers={consumers} />
      {findings.filter(isSaid).map(({ level, text }) => (
        <p class={level === "problem" ? "error" : "hint"} key={text}>
          <Said text={text} />
        </p>
      ))}
    </section>
  );
}

/** Not where the form does otherwise, since it takes the rank that is recommended, nor where the page says it above every view. */
const isSaid = ({ id }: Audit["findings"][number]): boolean =>
  id !== "rank-too-low" && (id !== "different-base" || severalBases(openAdapters.value).length === 0);

/** Weights other than 1, in words. */
function weightsOf(weights: readonly number[]): string {
  return weights.flatMap((weight, t) => (weight === 1 ? [] : `weight ${weight} for ${nameOf(t)}`)).join(", ");
}

/** The merges that are recommended: a button fills the form with each. Weights for what hardly trained come last. */
function Recommended({ recommendation }: { recommendation: Recommendation }) {
  const { method, rank, reason, weights, without, lego, basis } = recommendation;
  const own = openAdapters.value.filter(({ weight }) => weight !== 1);
  // Nothing was measured of image models.
  const why = [
    ...basis.map(({ text }) => text),
    ...(lego === null ? [] : [`LoRA-LEGO at rank ${lego.rank}: ${lego.reason}`, ...lego.basis.map(({ text }) => text)]),
  ];
  return (
    <>
      {own.length > 0 && (
        <p class="hint">
          Here every adapter counts once. Your weights stay in the merge:{" "}
          {own.map(({ name, weight }) => `${name} ${weight}`).join(", ")}.
        </p>
      )}
      {without !== null && (
        <p>
          <b>
            Recommended: {without.method}, rank {without.rank}, without {without.leaves.map(nameOf).join(", ")}.
          </b>{" "}
          <Said text={without.reason} />
        </p>
      )}
      <p>
        <b>
          {without === null ? "Recommended" : "Or with all of them"}: {method}, rank {rank}.
        </b>{" "}
        <Said text={reason} />
      </p>
      {withoutBase.value.length === 0 ? (
        <div class="row">
          {without !== null && (
            <button type="button" class="primary" onClick={() => mergeAsRecommended(AUTO, without)}>
              Set up without {without.leaves.map(nameOf).join(", ")}
            </button>
          )}
          <button
            type="button"
            class={without === null ? "primary" : ""}
            onClick={() => mergeAsRecommended(AUTO, recommendation, weights)}
          >
            {weights === null ? "Set up this merge" : `Set up with ${weightsOf(weights)}`}
          </button>
          {lego !== null && (
            <button type="button" onClick={() => mergeAsRecommended(lego.method, lego)}>
              Set up LoRA-LEGO at rank {lego.rank}
            </button>
          )}
        </div>
      ) : (
        <>
          <p class="note">
            The modules of {listed(withoutBase.value)} have llama.cpp's names. Open the base model's config.json to
            merge them here, or merge in the terminal: <code>{recommendation.command}</code>
          </p>
          <OpenButton class="" text="Open config.json" />
        </>
      )}
      {why.length > 0 && (
        <details>
          <summary>Why: what was measured</summary>
          {why.map((text) => (
            <p class="hint" key={text}>
              <Said text={text} />
            </p>
          ))}
        </details>
      )}
    </>
  );
}
