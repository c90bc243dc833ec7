import { percent } from "../../src/core/shown.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { keptOfEach } from "../state/kept-of-each.ts";
import { colorOf } from "./palette.tsx";
import { withoutEnding } from "./shortened.tsx";
import { useSize } from "./use-size.ts";

const ROW = 17;
/** Width of a letter, on average, at the size of the charts' text. */
const LETTER = 6.2;
/** The most of the width that names take. */
const MOST_NAMES = 0.4;

interface Bar {
  readonly name: string;
  readonly value: number | null;
  /** Said instead of the value. */
  readonly word?: string;
}

const said = ({ value, word }: Bar): string => word ?? percent(value);

interface BarsProps {
  readonly title: string;
  /** One for each adapter, in their order. */
  readonly rows: readonly Bar[];
  /** The value at the end of the scale, where larger ones are cut. */
  readonly most: number;
  /** Where a line stands. */
  readonly line: number;
}

/** A share for each adapter, as bars in their colours. */
export function Bars({ title, rows, most, line }: BarsProps) {
  const { box, width } = useSize<HTMLDivElement>();
  const names = rows.map(({ name }) => withoutEnding(name));
  const longest = Math.max(...names.map(({ length }) => length));
  const left = Math.min(LETTER * (longest + 2), MOST_NAMES * width);
  const letters = Math.floor(left / LETTER) - 2;
  const shared = sharedStart(names);
  const values = LETTER * (2 + Math.max(4, ...rows.map((row) => said(row).length)));
  const room = Math.max(10, width - left - values);
  const at = (share: number): number => left + Math.min(1, Math.max(0, share) / most) * room;
  const height = ROW * rows.length;
  const text = rows.map((row) => `${row.name} ${said(row)}`).join(", ");
  return (
    <div class="bars" ref={box}>
      {width > 0 && (
        <svg viewBox={`0 0 ${width} ${height}`} height={height} role="img" aria-label={`${title}: ${text}`}>
          {rows.map((row, t) => (
            <g key={row.name}>
              <title>{row.name}</title>
              <text x={0} y={ROW * t + 12}>
                {shortened(names[t]!, letters, shared)}
              </text>
              <rect x={left} y={ROW * t + 3} width={at(row.value ?? 0) - left} height={ROW - 6} fill={colorOf(t)} />
              <text x={width} y={ROW * t + 12} text-anchor="end">
                {said(row)}
              </text>
            </g>
          ))}
          <line class="all" x1={at(line)} x2={at(line)} y1={0} y2={height} />
        </svg>
      )}
    </div>
  );
}

/** How many letters all names begin with. */
function sharedStart(names: readonly string[]): number {
  const [first = ""] = names;
  const differs = [...first].findIndex((letter, i) => names.some((name) => name[i] !== letter));
  return Math.max(differs, 0);
}

/** A name without the letters that all names begin with, as far as there is room for the rest, or without its middle where none are shared. */
function shortened(name: string, letters: number, shared: number): string {
  if (name.length <= letters) return name;
  const rest = name.slice(shared);
  if (shared > 0) return `…${rest.length < letters ? rest : `${rest.slice(0, letters - 2)}…`}`;
  const first = Math.ceil((letters - 1) / 2);
  return `${name.slice(0, first)}…${name.slice(name.length - (letters - 1 - first))}`;
}

/** The end of a scale for what some results hold; a bar of an adapter that acts far above its strength is cut, as the others are to be seen. */
export function mostShare(reports: readonly MergeReport[]): number {
  return Math.max(
    1,
    ...reports.flatMap((report) =>
      keptOfEach(report).map((kept, t) => (kept === "amplified" ? 1 : (report.totals.shares[t] ?? 0))),
    ),
  );
}
