import { convexHull, type Point } from "../../src/analysis/hull.ts";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { figure } from "../../src/core/shown.ts";
import { compareIds } from "../../src/methods/unit-order.ts";
import { openAdapters } from "../state/adapters.ts";
import { clustering, layout, marked } from "../state/module.ts";
import { colorOf, Mark, shapeOf } from "./palette.tsx";
import { useRoving } from "./roving.ts";
import { Row, Table } from "./table.tsx";

const SIZE = 480;
const EDGE = 24;

/** The units in the plane of their largest variance, or laid out by UMAP; clusters as hulls around their members. */
export function UnitPlane({ plane }: { plane: ModulePlane }) {
  const points = scaled(layout.value ?? plane.coordinates.map(([x, y]) => [x ?? 0, y ?? 0] as const));
  const names = openAdapters.value.map(({ name }) => name);
  const [one, other] = plane.explained;
  const places = placesInOrder(plane);
  const keyOf = (i: number): string => plane.units[i]!.id.join();
  const roving = useRoving(places.map(keyOf));
  return (
    <figure class="tile wide">
      <figcaption>
        {layout.value === null
          ? `Units by PCA: ${percent(one)} of the variance to the right, ${percent(other)} upwards`
          : "Units by UMAP: neighbours are close together, but distances mean little"}
      </figcaption>
      {/* biome-ignore lint/a11y/useSemanticElements: the group holds the marks of a picture */}
      <svg
        viewBox={`0 0 ${SIZE} ${SIZE}`}
        role="group"
        aria-label={`${points.length} units in the plane`}
        onKeyDown={roving.onKeyDown}
      >
        {clustering.value?.clusters.map(({ members }) => (
          <Hull
            key={members.join()}
            points={members.map((i) => points[i]!)}
            lit={members.some((i) => marked.value.has(i))}
          />
        ))}
        {places.map((i) => (
          <Unit key={keyOf(i)} plane={plane} place={i} at={points[i]!} mark={roving.mark(keyOf(i))} />
        ))}
      </svg>
      <ul class="legend">
        {names.map((name, t) => (
          <li key={name}>
            <Mark index={t} /> {name}
          </li>
        ))}
      </ul>
      <Details plane={plane} names={names} />
    </figure>
  );
}

function Unit(props: { plane: ModulePlane; place: number; at: Point; mark: object }) {
  const { plane, place, mark } = props;
  const [x, y] = props.at;
  const [adapter, unit] = plane.units[place]!.id;
  const name = `${openAdapters.value[adapter]?.name}, unit ${unit}`;
  const on = marked.value.has(place);
  const toggle = (): void => {
    const next = new Set(marked.value);
    if (!next.delete(place)) next.add(place);
    marked.value = next;
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: an SVG cannot contain a button element
    <g
      class={`unit${on ? " on" : ""}`}
      transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${on ? 8 : 5.5})`}
      role="button"
      {...mark}
      aria-label={name}
      aria-pressed={on}
      onClick={toggle}
      onKeyDown={(event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          toggle();
        }
      }}
    >
      <title>{name}</title>
      <path d={shapeOf(adapter)} fill={colorOf(adapter)} />
    </g>
  );
}

/** The hull of a cluster's points; a line for two points, nothing for one. */
function Hull({ points, lit }: { points: readonly Point[]; lit: boolean }) {
  if (points.length < 2) return null;
  const hull = convexHull(points);
  const path = `M${hull.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`;
  return <path class={`hull${lit ? " lit" : ""}`} d={path} />;
}

/** Details of the marked units. */
function Details({ plane, names }: { plane: ModulePlane; names: readonly string[] }) {
  const places = [...marked.value];
  if (places.length === 0)
    return <p class="hint">Choose units to see which adapters they come from and how similar they are.</p>;
  return (
    <Table columns={["unit", "|a|", "|b|", "cluster", "cosine with the first"]}>
      {places.map((i) => {
        const { id, lengthA, lengthB } = plane.units[i]!;
        const cluster = clustering.value?.clusters.findIndex(({ members }) => members.includes(i)) ?? -1;
        return (
          <Row
            key={i}
            head={
              <>
                <Mark index={id[0]} /> {names[id[0]]} {id[1]}
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

/** Indices of the units by adapter and number, in the order of the keyboard. */
function placesInOrder({ units }: ModulePlane): number[] {
  return [...units.keys()].sort((one, other) => compareIds(units[one]!.id, units[other]!.id));
}

/** Points scaled into the picture, with the same scale on both axes. */
function scaled(points: readonly Point[]): Point[] {
  const range = (axis: 0 | 1): [number, number] => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  };
  const [[left, right], [low, high]] = [range(0), range(1)];
  const unit = (SIZE - 2 * EDGE) / Math.max(right - left, high - low, 1e-30);
  const middle = SIZE / 2;
  return points.map(([x, y]) => [middle + (x - (left + right) / 2) * unit, middle - (y - (low + high) / 2) * unit]);
}

function percent(share = 0): string {
  return `${(100 * share).toFixed(0)}%`;
}
