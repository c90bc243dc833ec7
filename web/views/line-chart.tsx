import { useSignal } from "@preact/signals";
import { figure } from "../../src/core/shown.ts";
import { colorOf, shapeOf } from "./palette.tsx";
import { Row, Table } from "./table.tsx";

/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Index into the palette, whose shape marks the line's end; null for the text's colour and no shape. */
  readonly color: number | null;
  readonly dashed?: boolean;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [320, 170, 44, 20, 8];

/** Lines over one axis. @param at where a vertical line marks the current value */
export function LineChart(props: {
  title: string;
  axis: string;
  series: readonly Series[];
  at?: number;
  low?: number;
  logarithmic?: boolean;
}) {
  const { title, axis, series, at, logarithmic = false } = props;
  const shown = series.filter(({ points }) => points.length > 0);
  const all = shown.flatMap(({ points }) => points);
  if (all.length === 0) return <p class="loading chart">Computing…</p>;
  const scale = (value: number): number => (logarithmic ? Math.log10(Math.max(value, 1e-4)) : value);
  const [least, most] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))];
  const high = Math.max(...all.map(([, y]) => scale(y)));
  const low = Math.min(props.low ?? Number.POSITIVE_INFINITY, ...all.map(([, y]) => scale(y)));
  const x = (value: number): number => LEFT + ((value - least) / Math.max(1e-30, most - least)) * (WIDTH - LEFT - 8);
  const y = (value: number): number =>
    TOP + ((high - scale(value)) / Math.max(1e-30, high - low)) * (HEIGHT - TOP - BOTTOM);
  const ticks = logarithmic
    ? [1, 0.1, 0.01, 0.001].filter((tick) => scale(tick) >= low)
    : [low, (low + high) / 2, high];
  return (
    <>
      <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
        <title>{title}</title>
        {ticks.map((tick) => (
          <g key={tick}>
            <line class="rule" x1={LEFT} x2={WIDTH - 8} y1={y(tick)} y2={y(tick)} />
            <text x={LEFT - 4} y={y(tick) + 3} text-anchor="end">
              {Number(tick.toPrecision(2))}
            </text>
          </g>
        ))}
        {[least, most].map((tick) => (
          <text key={tick} x={x(tick)} y={HEIGHT - 6} text-anchor={tick === least ? "start" : "end"}>
            {tick}
          </text>
        ))}
        <text x={(LEFT + WIDTH) / 2} y={HEIGHT - 6} text-anchor="middle">
          {axis}
        </text>
        {at !== undefined && at >= least && at <= most && (
          <line class="now" x1={x(at)} x2={x(at)} y1={TOP} y2={HEIGHT - BOTTOM} />
        )}
        {shown.map(({ name, points, color, dashed }) => (
          <polyline
            key={name}
            points={points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ")}
            fill="none"
            stroke={color === null ? "currentColor" : colorOf(color)}
            stroke-width="1.8"
            stroke-dasharray={dashed ? "4 3" : undefined}
          >
            <title>{name}</title>
          </polyline>
        ))}
        {shown.map(({ name, points, color }) => {
          if (color === null) return null;
          const [px, py] = points.at(-1)!;
          const place = `translate(${x(px).toFixed(1)} ${y(py).toFixed(1)}) scale(3.5)`;
          return <path key={name} d={shapeOf(color)} fill={colorOf(color)} transform={place} />;
        })}
      </svg>
      <Figures axis={axis} series={shown} />
    </>
  );
}

/** The chart's values as a table, rendered when it is opened. */
function Figures({ axis, series }: { axis: string; series: readonly Series[] }) {
  const open = useSignal(false);
  const places = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((one, other) => one - other);
  const columns = series.map(({ points }) => new Map(points));
  return (
    <details
      class="data"
      onToggle={({ currentTarget }) => {
        open.value = currentTarget.open;
      }}
    >
      <summary>Figures</summary>
      {open.value && (
        <Table columns={[axis, ...series.map(({ name }) => name)]}>
          {places.map((place) => (
            <Row key={place} head={place}>
              {columns.map((column, c) => (
                <td key={series[c]!.name}>{figure(column.get(place) ?? null)}</td>
              ))}
            </Row>
          ))}
        </Table>
      )}
    </details>
  );
}
