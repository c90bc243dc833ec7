import type { BenchScores } from "../../src/evaluate/bench.ts";
import { bench } from "../state/bench.ts";
import { Row, Table } from "./table.tsx";

const percent = (share: number | null): string => (share === null ? "–" : `${(100 * share).toFixed(1)}%`);

/** The accuracies of a benchmark that was dropped on the page, best first. */
export function BenchTable() {
  const found = bench.value;
  if (found === null) return null;
  const { base, own, merges } = found;
  const sorted = [...merges].sort(
    (one, other) => (other.searched ?? other.plain).seen - (one.searched ?? one.plain).seen,
  );
  const cells = (plain: BenchScores, searched: (BenchScores & { readonly scale: number }) | null) => (
    <>
      <td>{percent(plain.seen)}</td>
      <td>{searched === null ? "–" : `${percent(searched.seen)} (× ${searched.scale})`}</td>
      <td>{percent((searched ?? plain).unseen)}</td>
    </>
  );
  return (
    <details class="tile" open>
      <summary>Your benchmark</summary>
      <Table columns={["merge", "as merged", "with a searched factor", "unseen tasks"]}>
        {own !== null && <Row head="each adapter on its task">{cells(own, null)}</Row>}
        {sorted.map(({ name, rank, plain, searched }) => (
          <Row key={`${name} ${rank}`} head={rank === null ? name : `${name}, rank ${rank}`}>
            {cells(plain, searched)}
          </Row>
        ))}
        <Row head="base model">{cells(base, null)}</Row>
      </Table>
    </details>
  );
}
