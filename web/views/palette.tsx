/** Okabe and Ito's palette, whose colours colour-blind people can tell apart. Each colour also has a shape. */
const COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7a00", "#7f7f7f"];
/** Centred on the origin, in units of the mark's size. */
const SHAPES = [
  "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0",
  "M-.9-.9h1.8v1.8h-1.8z",
  "M0-1.15l1.1 1.95h-2.2z",
  "M0-1.25l1.15 1.25-1.15 1.25-1.15-1.25z",
  "M-.4-1.1h.8v.7h.7v.8h-.7v.7h-.8v-.7h-.7v-.8h.7z",
  "M0 1.15l1.1-1.95h-2.2z",
  "M-1.1-.55h2.2v1.1h-2.2z",
  "M-.55-1.1h1.1v2.2h-1.1z",
];

export const colorOf = (index: number): string => COLORS[index % COLORS.length]!;
/** The mean of adapters' colours, each counted as often as it is named. */
export function mixOf(indices: readonly number[]): string {
  const parts = [1, 3, 5].map((at) => {
    const squares = indices.map((index) => Number.parseInt(colorOf(index).slice(at, at + 2), 16) ** 2);
    return Math.round(Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length));
  });
  return `rgb(${parts.join(" ")})`;
}

/** With more adapters than colours, colours repeat with other shapes. */
export const shapeOf = (index: number): string => SHAPES[(index + Math.floor(index / COLORS.length)) % SHAPES.length]!;

/** The mark of an adapter: its colour and shape. */
export function Mark({ index, size = 12 }: { index: number; size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="-1.4 -1.4 2.8 2.8" aria-hidden="true">
      <path d={shapeOf(index)} fill={colorOf(index)} />
    </svg>
  );
}
