import type { Audit } from "../../src/analysis/audit/audit-set.ts";
import { percent } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { audited } from "../state/overview.ts";
import { mergeAtK, mergeByAuto } from "../state/suggested.ts";
import { Bars } from "./bars.tsx";
import { ChartMenu } from "./chart-menu.tsx";
import { shadeClass } from "./overview-view.tsx";
import { Mark } from "./palette.tsx";
import { Scale } from "./scale.tsx";
import { Row, Table } from "./table.tsx";

/** What `lora-lego audit` says of the open adapters: how alike they are, who is lost, what speaks against merging, what to do. */
export function SetSummary() {
  const found = audited.value;
  return (
    <div class="summary" style={{ "--adapters": openAdapters.value.length }}>
      {found === null ? (
        <p class="loading tile">Comparing the adapters…</p>
      ) : (
        <>
          {found.audit.adapters.length > 1 && <Similarity audit={found.audit} />}
          <Shares audit={found.audit} lost={found.lost} />
          <Findings audit={found.audit} lost={found.lost} />
        </>
      )}
    </div>
  );
}

const nameOf = (t: number): string => openAdapters.value[t]?.name ?? `adapter ${t + 1}`;

function Similarity({ audit: { similarity } }: { audit: Audit }) {
  return (
    <figure class="tile">
      <figcaption class="row between">
        <span>
          <b>Similarity</b> of the adapters: cosine of their deltas
        </span>
        <ChartMenu title="Similarity of the adapters" />
      </figcaption>
      <Table class="heat similarity" columns={["adapter", ...similarity.map((_, t) => nameOf(t))]}>
        {similarity.map((row, t) => (
          <Row
            key={nameOf(t)}
            head={
              <>
                <Mark index={t} size={10} /> {nameOf(t)}
              </>
            }
          >
            {row.map((cosine, u) => (
              <td key={nameOf(u)}>
                {t === u ? null : (
                  <span
                    class={shadeClass(cosine, Math.abs(cosine ?? 0))}
                    style={{ "--share": Math.abs(cosine ?? 0).toFixed(3) }}
                  >
                    {cosine === null ? "–" : cosine.toFixed(2).replace("-0.00", "0.00")}
                  </span>
                )}
              </td>
            ))}
          </Row>
        ))}
      </Table>
      <Scale least={-1} most={1} />
    </figure>
  );
}

/** Each adapter's part of the plain sum of all. */
function Shares({ audit: { adapters }, lost }: { audit: Audit; lost: readonly number[] }) {
  const shares = adapters.map(({ share }) => share ?? 0);
  const known = adapters.some(({ share }) => share !== null);
  return (
    <figure class="tile">
      <figcaption class="row between">
        <span>
          <b>Who is lost</b> in the plain sum: each adapter's share
        </span>
        <ChartMenu title="Shares of the sum" />
      </figcaption>
      <p class={lost.length === 0 ? "loss" : "loss error"}>
        {lost.length === 0
          ? `${known ? "No adapter is lost" : "Whether an adapter is lost is not known"}.`
          : `Practically lost: ${lost.map(nameOf).join(", ")}.`}
      </p>
      <Bars
        title="Shares of the sum"
        rows={adapters.map(({ share }, t) => ({ name: nameOf(t), value: share }))}
        most={Math.max(...shares, 1 / adapters.length)}
        line={1 / adapters.length}
      />
      <p class="hint">The line is an even share, {percent(1 / adapters.length)}.</p>
    </figure>
  );
}

function Findings({ audit: { adapters, findings, recommendation }, lost }: { audit: Audit; lost: readonly number[] }) {
  return (
    <section class="tile findings" aria-label="Recommendation">
      {recommendation !== null && (
        <>
          <p>
            <b>
              Recommended: {recommendation.method}, rank {recommendation.rank}.
            </b>{" "}
            {recommendation.reason}
          </p>
          <div class="row">
            <button
              type="button"
              class="primary"
              onClick={() => mergeByAuto(recommendation.weights, recommendation.rank)}
            >
              Merge like this
            </button>
            {recommendation.without !== null && (
              <button
                type="button"
                title="For adapters that hardly trained: those that only such weights keep get weight 0"
                onClick={() =>
                  mergeByAuto(
                    adapters.map((_, t) => (lost.includes(t) ? 0 : 1)),
                    recommendation.without!.rank,
                  )
                }
              >
                Without what hardly trained
              </button>
            )}
            {recommendation.lego !== null && (
              <button
                type="button"
                title={recommendation.lego.reason}
                onClick={() => mergeAtK(recommendation.lego!.rank)}
              >
                LoRA-LEGO at rank {recommendation.lego.rank}
              </button>
            )}
          </div>
          {recommendation.basis.length > 0 && (
            <p class="hint">Measured: {recommendation.basis.map(({ text }) => text).join("; ")}.</p>
          )}
        </>
      )}
      {findings.map(({ level, text }) => (
        <p class={level === "problem" ? "error" : "note"} key={text}>
          {text}
        </p>
      ))}
    </section>
  );
}
