import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { bytes, figure } from "../../src/core/shown.ts";
import { compositions } from "../../src/report/compositions.ts";
import { openAdapters } from "../state/adapters.ts";
import { canPickFolder, DOWNLOAD_TITLES, DOWNLOADS, download, saveIntoFolder } from "../state/download.ts";
import { sentenceOf } from "../state/explorer.ts";
import {
  cancelMerge,
  estimate,
  type MadeMerge,
  mergeError,
  merges,
  progress,
  refusal,
  startMerge,
} from "../state/merge.ts";
import { MergeForm } from "./merge-form.tsx";
import { Row, Table } from "./table.tsx";

/** Choose a method, merge, compare results and download them. */
export function MergeTab() {
  const count = openAdapters.value.length;
  if (count === 0 && merges.value.length === 0 && progress.value === null) {
    return <p class="empty">Open adapters first; then merge them here.</p>;
  }
  return (
    <section aria-labelledby="merge-title">
      <h2 id="merge-title">{count === 0 ? "Results" : `Merge ${count === 1 ? "one adapter" : `${count} adapters`}`}</h2>
      {count > 0 && <MergeForm />}
      {(count > 0 || progress.value !== null) && <Start />}
      {mergeError.value !== null && (
        <p class="error" role="alert">
          {mergeError.value}
        </p>
      )}
      {merges.value.length > 1 && <Compared merges={merges.value} />}
      {merges.value.map((made) => (
        <Result key={made.number} made={made} />
      ))}
    </section>
  );
}

function Start() {
  const found = estimate.value;
  const refused = refusal.value;
  const running = progress.value;
  const [start, cancel] = [useRef<HTMLButtonElement>(null), useRef<HTMLButtonElement>(null)];
  const busy = running !== null;
  const wasBusy = useRef(busy);
  // While a merge runs, the focus is on the Cancel button; afterwards it returns to the Merge button.
  useEffect(() => {
    if (busy && !wasBusy.current) cancel.current!.focus();
    if (!busy && wasBusy.current && document.activeElement === document.body) start.current!.focus();
    wasBusy.current = busy;
  }, [busy]);
  return (
    <>
      {openAdapters.value.length > 0 && (
        <p class={refused === null ? "estimate" : "error"} aria-live="polite">
          {refused ??
            (found !== null && "bytes" in found
              ? `Writes ${found.modules} modules of rank ${found.rank} in ${found.dtype}, ${bytes(found.bytes)}.`
              : "Planning…")}
        </p>
      )}
      <div class="row">
        <button
          type="button"
          class="primary"
          ref={start}
          disabled={busy || found === null || refused !== null}
          onClick={() => void startMerge()}
        >
          Merge
        </button>
        {running !== null && (
          <>
            <progress value={running.done} max={running.total} aria-label="Modules merged" />
            <span>
              {running.done} of {running.total}
            </span>
            <button type="button" ref={cancel} onClick={cancelMerge}>
              Cancel
            </button>
          </>
        )}
      </div>
    </>
  );
}

/** Most rows of the table: many adapters have many combinations. */
const MOST_COMPOSITIONS = 8;

function Result({ made }: { made: MadeMerge }) {
  const { report, title, seconds } = made;
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
  const all = compositions(report);
  const merged = all.slice(0, MOST_COMPOSITIONS);
  return (
    <article class="result">
      <h3>
        {made.number}. {title}
      </h3>
      <p class="facts">
        {report.totals.modules} modules, {report.totals.dtype}, {bytes(report.totals.bytes)}, {seconds.toFixed(1)} s;
        norm ratio {figure(report.totals.normRatio)}, energy {figure(report.totals.energy)}
      </p>
      {(report.chosen ?? report.advice) !== null && <p class="facts">{report.chosen ?? report.advice}</p>}
      {report.warnings.map(({ text }) => (
        <p class="note" key={text}>
          {text}
        </p>
      ))}
      <fieldset class="row plain">
        <legend class="visually-hidden">Download {title}</legend>
        {DOWNLOADS.map((what) => (
          <button type="button" key={what} onClick={() => saying(download(made, what).then(() => null))}>
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

/** Results side by side. */
function Compared({ merges: made }: { merges: readonly MadeMerge[] }) {
  const names = [...new Set(made.flatMap(({ report }) => report.inputs.map(({ name }) => name)))];
  const cosine = ({ report }: MadeMerge, name: string): string => {
    const t = report.inputs.findIndex((input) => input.name === name);
    return t < 0 ? "–" : figure(report.totals.cosines[t] ?? null);
  };
  const rows: readonly (readonly [string, (merge: MadeMerge) => string])[] = [
    ["norm ratio", ({ report }) => figure(report.totals.normRatio)],
    ["energy", ({ report }) => figure(report.totals.energy)],
    ["size", ({ report }) => bytes(report.totals.bytes)],
    ["warnings", ({ report }) => String(report.warnings.length)],
    ...names.map((name) => [`cosine with ${name}`, (merge: MadeMerge) => cosine(merge, name)] as const),
  ];
  return (
    <Table
      caption="Results side by side"
      columns={["figure", ...made.map(({ number, title }) => `${number}. ${title}`)]}
    >
      {rows.map(([name, of]) => (
        <Row key={name} head={name}>
          {made.map((merge) => (
            <td key={merge.number}>{of(merge)}</td>
          ))}
        </Row>
      ))}
    </Table>
  );
}
