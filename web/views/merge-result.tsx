import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { bytes, figure } from "../../src/core/shown.ts";
import { compositions } from "../../src/report/compositions.ts";
import { lossShown } from "../../src/report/loss-shown.ts";
import { accuracyOf } from "../state/bench.ts";
import { canPickFolder, DOWNLOAD_TITLES, download, downloadsOf, saveIntoFolder } from "../state/download.ts";
import { sentenceOf } from "../state/explorer.ts";
import { keptOfEach } from "../state/kept-of-each.ts";
import { type MadeMerge, shownMerge } from "../state/merge.ts";
import { landed } from "../state/merging.ts";
import { Advice } from "./advice.tsx";
import { mostShare } from "./bars.tsx";
import { ChartMenu } from "./chart-menu.tsx";
import { Checks } from "./checks.tsx";
import { Held } from "./held.tsx";
import { Said } from "./said.tsx";
import { Row, Table } from "./table.tsx";

/** Most rows of the table: many adapters have many combinations. */
const MOST_COMPOSITIONS = 8;

/** A result: whether an adapter is lost, what to do next, its files, and what merged with what. Takes the focus when it is made or chosen. */
export function MergeResult({ made }: { made: MadeMerge }) {
  const { report, title, seconds, number } = made;
  const heading = useRef<HTMLHeadingElement>(null);
  const news = landed.value;
  useEffect(() => {
    // Not where the page comes back with its results.
    if (shownMerge.peek() !== number) return;
    heading.current!.focus({ preventScroll: true });
    // Below the form there is more of it to see from its top on.
    const beside = matchMedia("(min-width: 60rem)").matches;
    heading.current!.scrollIntoView({ block: beside ? "nearest" : "start" });
  }, [news]);
  const accuracy = accuracyOf(report);
  const all = compositions(report);
  const merged = all.slice(0, MOST_COMPOSITIONS);
  return (
    <article class="result">
      <h3 ref={heading} tabIndex={-1}>
        {number}. {title}
      </h3>
      <p class={`loss${worstOf(report)}`}>{lossShown(report)}</p>
      <p class="facts">
        {report.totals.modules} modules, {report.totals.dtype}, {bytes(report.totals.bytes)}, {seconds.toFixed(1)} s;{" "}
        {report.autoScale !== null && `factor ${report.autoScale.factor}, `}norm ratio {figure(report.totals.normRatio)}
        , energy {figure(report.totals.energy)}
        {accuracy !== null && `, accuracy in your benchmark ${(100 * accuracy).toFixed(1)}%`}
      </p>
      {report.warnings.map(({ text }) => (
        <p class="note" key={text}>
          <Said text={text} />
        </p>
      ))}
      <Checks made={made} />
      <Files made={made} />
      <div class="halves">
        <Advice made={made} />
        <figure class="tile">
          <figcaption class="row between">
            <span>
              <b>What it holds</b> of each adapter
            </span>
            <ChartMenu title={`What ${title} holds`} />
          </figcaption>
          <Held made={made} most={mostShare([report])} />
          <p class="hint">The line is all of an adapter, at the strength that it was trained at.</p>
        </figure>
      </div>
      {merged.length > 0 && (
        <Table
          caption={`What merged with what, most units first${all.length > merged.length ? ` (${merged.length} of ${all.length}; the others are in the report)` : ""}`}
          columns={["adapters", "clusters", "units"]}
        >
          {merged.map(([what, clusters, units]) => (
            <Row key={what} head={what}>
              <td>{clusters}</td>
              <td>{units}</td>
            </Row>
          ))}
        </Table>
      )}
    </article>
  );
}

/** How a result's first sentence is shown: as an error where an adapter is lost, as a warning where one acts far above its strength. */
function worstOf(report: MadeMerge["report"]): string {
  const kept = keptOfEach(report);
  if (kept.some((own) => own === "lost" || own === "against")) return " error";
  return kept.includes("amplified") ? " note" : "";
}

/** The buttons that hand out a result's files. */
function Files({ made }: { made: MadeMerge }) {
  const said = useSignal<string | null>(null);
  const saying = (work: Promise<string | null>): void => {
    said.value = null;
    work.then(
      (text) => {
        if (text !== null) said.value = text;
      },
      (error: unknown) => {
        said.value = `Not saved: ${sentenceOf(error)}`;
      },
    );
  };
  return (
    <>
      <fieldset class="row plain">
        <legend class="visually-hidden">Download {made.title}</legend>
        {downloadsOf(made).map((what, i) => (
          <button
            type="button"
            class={i === 0 ? "primary" : ""}
            key={what}
            onClick={() => saying(download(made, what).then(() => null))}
          >
            {DOWNLOAD_TITLES[what]}
          </button>
        ))}
        {canPickFolder && (
          <button
            type="button"
            onClick={() =>
              saying(saveIntoFolder(made).then((folder) => (folder === null ? null : `Saved as ${folder}.`)))
            }
          >
            Save into a folder…
          </button>
        )}
      </fieldset>
      {said.value !== null && <p role="status">{said.value}</p>}
    </>
  );
}
