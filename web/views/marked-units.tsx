import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { figure } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { clustering, marked } from "../state/module.ts";
import { Mark } from "./palette.tsx";
import { Row, Table } from "./table.tsx";

/** Details of the marked units. */
export function MarkedUnits({ plane }: { plane: ModulePlane }) {
  const places = [...marked.value];
  return (
    <div class="details">
      {places.length === 0 ? (
        <p class="hint">Choose units to see which adapters they come from and how similar they are.</p>
      ) : (
        <UnitTable plane={plane} places={places} comparedWith={places[0]!} />
      )}
    </div>
  );
}

interface UnitTableProps {
  readonly plane: ModulePlane;
  readonly places: readonly number[];
  /** The unit whose cosine with each is shown; none without it. */
  readonly comparedWith?: number;
}

/** Units with their lengths and clusters. */
export function UnitTable({ plane, places, comparedWith }: UnitTableProps) {
  const clusters = new Map(clustering.value?.clusters.flatMap(({ members }, c) => members.map((i) => [i, c + 1])));
  const cosines = comparedWith === undefined ? null : plane.cosines[comparedWith]!;
  const columns = ["unit", "|a|", "|b|", "cluster", ...(cosines === null ? [] : ["cosine to first"])];
  return (
    <Table columns={columns} class="units-table">
      {places.map((i) => {
        const { id, lengthA, lengthB } = plane.units[i]!;
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
            <td>{clusters.get(i) ?? "–"}</td>
            {cosines !== null && <td>{figure(cosines[i]!)}</td>}
          </Row>
        );
      })}
    </Table>
  );
}
