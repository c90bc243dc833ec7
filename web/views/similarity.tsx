import type { Audit } from "../../src/analysis/audit/audit-set.ts";
import { openAdapters } from "../state/adapters.ts";
import { ChartMenu } from "./chart-menu.tsx";
import { shadeClass } from "./overview-view.tsx";
import { Mark } from "./palette.tsx";
import { Scale } from "./scale.tsx";
import { Shortened } from "./shortened.tsx";
import { Row, Table } from "./table.tsx";

/** The most columns that have their names above them; more have marks. */
const MOST_NAMED = 2;

/** The most columns that leave room for other tiles beside them. */
const MOST_BESIDE = 8;

export const nameOf = (t: number): string => openAdapters.value[t]?.name ?? `adapter ${t + 1}`;

/** How alike the adapters are, each with each. */
export function Similarity({ audit: { similarity } }: { audit: Audit }) {
  const names = similarity.map((_, t) => nameOf(t));
  const marked = names.length > MOST_NAMED;
  return (
    <figure class={names.length > MOST_BESIDE ? "tile wide" : "tile"} style={{ "--named": names.length }}>
      <figcaption class="row between">
        <span>
          <b>Similarity</b> of the adapters: cosine of their deltas
        </span>
        <ChartMenu title="Similarity of the adapters" />
      </figcaption>
      <Table
        class={marked ? "heat similarity" : "heat similarity named"}
        columns={["adapter", ...names]}
        shown={(name, column) => (column === 0 ? name : <Short name={name} index={column - 1} hidden={marked} />)}
      >
        {similarity.map((row, t) => (
          <Row key={names[t]} head={<Short name={names[t]!} index={t} />}>
            {row.map((cosine, u) => (
              <td key={names[u]}>{t !== u && <Shade cosine={cosine} />}</td>
            ))}
          </Row>
        ))}
      </Table>
      <Scale least={-1} most={1} />
    </figure>
  );
}

/** An adapter's mark and its name, cut where it is long. @param hidden whether only the mark is seen */
function Short({ name, index, hidden = false }: { name: string; index: number; hidden?: boolean }) {
  return (
    <span class="short" title={name}>
      <Mark index={index} size={10} />{" "}
      {hidden ? <span class="visually-hidden">{name}</span> : <Shortened name={name} narrow />}
    </span>
  );
}

function Shade({ cosine }: { cosine: number | null }) {
  // What is shown as 0 has no side.
  const shown = cosine === null ? null : Number(cosine.toFixed(2)) + 0;
  return (
    <span class={shadeClass(shown, Math.abs(shown ?? 0))} style={{ "--share": Math.abs(shown ?? 0).toFixed(3) }}>
      {shown === null ? "–" : shown.toFixed(2)}
    </span>
  );
}
