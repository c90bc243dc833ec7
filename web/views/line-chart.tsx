import { figure } from "../../src/core/shown.ts";
import type { NamedLine } from "../state/chart-file.ts";
import { ChartMenu } from "./chart-menu.tsx";
import { colorOf, shapeOf } from "./palette.tsx";
import { Row, Table } from "./table.tsx";
import { useSize } from "./use-size.ts";

/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Index into the palette, whose shape marks the line's end; null for the text's colour and no shape. */
  readonly color: number | null;
  readonly dashed?: boolean;
}

const [LEFT, RIGHT, TOP, BOTTOM] = [40, 8, 8, 18];

interface LineChartProps {
  readonly title: string;
  /** What is drawn, after the title. */
  readonly about: string;
  /** What it is of, in its picture. */
  readonly of: string;
  readonly axis: string;
  readonly series: readonly Series[];
  /** Where a vertical line marks the current value. */
  readonly at?: number;
  /** Where another one marks the recommended value. */
  readonly marked?: number | null;
  readonly low?: number;
  readonly logarithmic?: boolean;
  /** Whether its lines are adapters'. */
  readonly legend?: boolean;
}

/** Lines over one axis, drawn at the size of their box. */
export function LineChart(props: LineChartProps) {
  const { title, about, axis, series } = props;
  const { box, width, height } = useSize<HTMLDivElement>();
  const shown = series.filter(({ points }) => points.length > 0);
  return (
    <figure class="line-chart">
      <figcaption class="row between">
        <span title={`${title}: ${about}`}>
          <b>{title}</b> {about}
        </span>
        <ChartMenu title={title} of={props.of} lines={linesOf(props)} legend={props.legend ?? false}>
          <Figures axis={axis} series={shown} />
        </ChartMenu>
      </figcaption>
      <div class="plot" ref={box}>
        {shown.length === 0 ? (
          <p class="loading">Computing…</p>
        ) : (
          width * height > 0 && <Lines {...props} series={shown} width={width} height={height} />
        )}
      </div>
    </figure>
  );
}

/** What a picture's legend says of the lines that are no adapters', and of those that mark a place. */
function linesOf({ axis, series, at, marked = null, legend = false }: LineChartProps): NamedLine[] {
  return [
    ...series
      .filter(({ color }) => !legend || color === null)
      .map(({ name, color, dashed = false }) => ({ name, stroke: color === null ? "--text" : colorOf(color), dashed })),
    ...(at === undefined ? [] : [{ name: `${axis} = ${at}`, stroke: "--text", dashed: true }]),
    ...(marked === null ? [] : [{ name: `recommended: ${marked}`, stroke: "--good", dashed: false }]),
  ];
}

function Lines({ width, height, ...props }: LineChartProps & { width: number; height: number }) {
  const { title, axis, series, at, marked = null, logarithmic = false } = props;
  const all = series.flatMap(({ points }) => points);
  const scale = (value: number): number => (logarithmic ? Math.log10(Math.max(value, 1e-4)) : value);
  const [least, most] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))];
  const high = Math.max(...all.map(([, y]) => scale(y)));
  const low = Math.min(props.low ?? Number.POSITIVE_INFINITY, ...all.map(([, y]) => scale(y)));
  const x = (value: number): number =>
    LEFT + ((value - least) / Math.max(1e-30, most - least)) * (width - LEFT - RIGHT);
  const y = (value: number): number =>
    TOP + ((high - scale(value)) / Math.max(1e-30, high - low)) * (height - TOP - BOTTOM);
  const ticks = logarithmic
    ? [1, 0.1, 0.01, 0.001].filter((tick) => scale(tick) >= low)
    : [low, (low + high) / 2, high];
  const within = (value: number | null | undefined): value is number =>
    value !== null && value !== undefined && value >= least && value <= most;
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${title}, ${axis} from ${least} to ${most}`}>
      <title>{title}</title>
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="rule" x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 4} y={y(tick) + 4} text-anchor="end">
            {Number(tick.toPrecision(2))}
          </text>
        </g>
      ))}
      {[least, most].map((tick) => (
        <text key={tick} x={x(tick)} y={height - 4} text-anchor={tick === least ? "start" : "end"}>
          {tick}
        </text>
      ))}
      <text x={(LEFT + width) / 2} y={height - 4} text-anchor="middle">
        {axis}
      </text>
      {within(marked) && (
        <g class="recommended">
          <title>recommended: {marked}</title>
          <line x1={x(marked)} x2={x(marked)} y1={TOP} y2={height - BOTTOM} />
          <path d={`M${x(marked)} ${height - BOTTOM}l4 6h-8z`} />
        </g>
      )}
      {within(at) && <line class="now" x1={x(at)} x2={x(at)} y1={TOP} y2={height - BOTTOM} />}
      {series.map(({ name, points, color, dashed }) => (
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
      {series.map(({ name, points, color }) => {
        if (color === null) return null;
        const [px, py] = points.at(-1)!;
        const place = `translate(${x(px).toFixed(1)} ${y(py).toFixed(1)}) scale(3.5)`;
        return <path key={name} d={shapeOf(color)} fill={colorOf(color)} transform={place} />;
      })}
    </svg>
  );
}

/** The chart's values as a table. */
function Figures({ axis, series }: { axis: string; series: readonly Series[] }) {
  const places = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((one, other) => one - other);
  const columns = series.map(({ points }) => new Map(points));
  return (
    <Table columns={[axis, ...series.map(({ name }) => name)]}>
      {places.map((place) => (
        <Row key={place} head={place}>
          {columns.map((column, c) => (
            <td key={series[c]!.name}>{figure(column.get(place) ?? null)}</td>
          ))}
        </Row>
      ))}
    </Table>
  );
}
