import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { figure } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { clustering, marked } from "../state/module.ts";
import { Mark } from "./palette.tsx";
import { Row, Table } from "./table.tsx";

/** The numbers of some units, by adapter. */
function byAdapter(plane: ModulePlane, members: readonly number[]): (readonly [adapter: number, units: number[]])[] {
  const ids = members.map((i) => plane.units[i]!.id);
  const adapters = [...new Set(ids.map(([adapter]) => adapter))].sort((one, other) => one - other);
  return adapters.map((adapter) => [adapter, ids.filter((id) => id[0] === adapter).map(([, unit]) => unit)] as const);
}

/** Every cluster with its members; choosing a cluster marks its members in the plane. */
export function ClusterTable({ plane }: { plane: ModulePlane }) {
  const found = clustering.value;
  if (found === null) return <p class="loading">Clustering…</p>;
  return (
    <div class="tile">
      <Table
        class="clusters"
        caption={`Clusters at k = ${found.k}: each becomes one rank of the result`}
        columns={["cluster", "units", "reweighting", "members"]}
      >
        {found.clusters.map(({ members, reweight }, c) => (
          <Row
            key={members.join()}
            head={
              <button
                type="button"
                onClick={() => {
                  marked.value = new Set(members);
                }}
              >
                {c + 1}
              </button>
            }
          >
            <td>{members.length}</td>
            <td>{reweight === null ? "cancelled" : figure(reweight)}</td>
            <td class="members">
              {byAdapter(plane, members).map(([adapter, units]) => (
                <span key={adapter} title={openAdapters.value[adapter]?.name}>
                  <Mark index={adapter} size={10} />{" "}
                  <span class="visually-hidden">{openAdapters.value[adapter]?.name}</span> {units.join(" ")}
                </span>
              ))}
            </td>
          </Row>
        ))}
      </Table>
    </div>
  );
}
