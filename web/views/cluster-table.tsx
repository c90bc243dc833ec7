import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { figure } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { clustering, marked } from "../state/module.ts";
import { Mark } from "./palette.tsx";
import { Row, Table } from "./table.tsx";

/** Every cluster with its members; choosing a cluster marks its members in the plane. */
export function ClusterTable({ plane }: { plane: ModulePlane }) {
  const found = clustering.value;
  if (found === null) return <p class="loading">Clustering…</p>;
  return (
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
            {members.map((i) => {
              const [adapter, unit] = plane.units[i]!.id;
              return (
                <span key={i}>
                  <Mark index={adapter} size={10} /> {openAdapters.value[adapter]?.name} {unit}
                </span>
              );
            })}
          </td>
        </Row>
      ))}
    </Table>
  );
}
