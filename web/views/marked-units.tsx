import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { figure } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { clustering, marked } from "../state/module.ts";
import { Mark } from "./palette.tsx";
import { Row, Table } from "./table.tsx";

/** Details of the marked units. */
export function MarkedUnits({ plane }: { plane: ModulePlane }) {
  const places = [...marked.value];
  if (places.length === 0)
    return <p class="hint">Choose units to see which adapters they come from and how similar they are.</p>;
  return (
    <Table columns={["unit", "|a|", "|b|", "cluster", "cosine with the first"]} class="marked">
      {places.map((i) => {
        const { id, lengthA, lengthB } = plane.units[i]!;
        const cluster = clustering.value?.clusters.findIndex(({ members }) => members.includes(i)) ?? -1;
        return (
          <Row
            key={i}
            head={
              <>
                <Mark index={id[0]} /> {openAdapters.value[id[0]]?.name} {id[1]}
              </>
            }
          >
            <td>{figure(lengthA)}</td>
            <td>{figure(lengthB)}</td>
            <td>{cluster < 0 ? "–" : cluster + 1}</td>
            <td>{figure(plane.cosines[places[0]!]![i]!)}</td>
          </Row>
        );
      })}
    </Table>
  );
}
