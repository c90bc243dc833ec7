import { percent } from "../../src/core/shown.ts";
import type { MadeMerge } from "../state/merge.ts";
import { colorOf } from "./palette.tsx";
import { useSize } from "./use-size.ts";

const ROW = 17;
const [NAMES, VALUES] = [58, 36];
const MOST_LETTERS = 8;

/** How much of each adapter is in a result, as bars; the line is all of it. */
export function ShareBars({ made: { report, title }, most }: { made: MadeMerge; most: number }) {
  const { box, width } = useSize<HTMLDivElement>();
  const shares = report.totals.shares;
  const room = Math.max(10, width - NAMES - VALUES);
  const at = (share: number): number => NAMES + (Math.max(0, share) / most) * room;
  const height = ROW * shares.length;
  const text = report.inputs.map(({ name }, t) => `${name} ${percent(shares[t] ?? null)}`).join(", ");
  return (
    <div class="bars" ref={box}>
      {width > 0 && (
        <svg viewBox={`0 0 ${width} ${height}`} height={height} role="img" aria-label={`${title} holds: ${text}`}>
          {report.inputs.map(({ name }, t) => (
            <g key={name}>
              <text x={0} y={ROW * t + 12}>
                {name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 1)}…` : name}
              </text>
              <rect x={NAMES} y={ROW * t + 3} width={at(shares[t] ?? 0) - NAMES} height={ROW - 6} fill={colorOf(t)} />
              <text x={width} y={ROW * t + 12} text-anchor="end">
                {percent(shares[t] ?? null)}
              </text>
            </g>
          ))}
          <line class="rule all" x1={at(1)} x2={at(1)} y1={0} y2={height} />
        </svg>
      )}
    </div>
  );
}
